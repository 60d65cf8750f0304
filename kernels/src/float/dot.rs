//! Dot products of `f32` rows in one fixed order, and their transpose, sums of weighted rows.

use crate::arch::floats::{Floats, LANES};

/// The sixteen running sums of one dot product.
pub(crate) type Lanes = [f32; LANES];

/// Adds the products of `R` rows with `T` vectors to `R x T` dot products: `lanes[r][t][k % 16] += rows[r][k] *
/// vectors[t][k]`, for ascending `k`, each product and each sum rounded to f32.
///
/// All rows and vectors have one length. A long dot product is the sum over segments whose lengths, but for the last,
/// are multiples of sixteen. [`Floats::sum`] of the lanes is the result.
#[inline(always)]
pub(crate) fn accumulate<S: Floats, const R: usize, const T: usize>(
    floats: S,
    rows: [&[f32]; R],
    vectors: [&[f32]; T],
    lanes: &mut [[Lanes; T]; R],
) {
    let length = rows[0].len();
    let mut sums = [[floats.splat(0.0); T]; R];
    for r in 0..R {
        for t in 0..T {
            sums[r][t] = floats.load(&lanes[r][t]);
        }
    }
    let rows_ = rows.map(|row| row[..length].as_chunks::<LANES>());
    let vectors_ = vectors.map(|vector| vector[..length].as_chunks::<LANES>());
    for k in 0..length / LANES {
        for r in 0..R {
            let weights = floats.load(&rows_[r].0[k]);
            for t in 0..T {
                sums[r][t] = floats.add(sums[r][t], floats.mul(weights, floats.load(&vectors_[t].0[k])));
            }
        }
    }
    for r in 0..R {
        for t in 0..T {
            floats.store(sums[r][t], &mut lanes[r][t]);
            for (lane, (w, x)) in lanes[r][t].iter_mut().zip(rows_[r].1.iter().zip(vectors_[t].1)) {
                *lane += w * x;
            }
        }
    }
}

/// `out[r] = rows[r] . vector` for consecutive rows of the length of `vector`, in the order of [`accumulate`].
#[inline(always)]
pub(crate) fn dot_rows<S: Floats>(floats: S, rows: &[f32], vector: &[f32], out: &mut [f32]) {
    let width = vector.len();
    let (tiles, rest) = out.as_chunks_mut::<4>();
    let (tile_rows, rest_rows) = rows.split_at(4 * tiles.len() * width);
    for (out, rows) in tiles.iter_mut().zip(tile_rows.chunks_exact(4 * width)) {
        let (low, high) = rows.split_at(2 * width);
        let ((a, b), (c, d)) = (low.split_at(width), high.split_at(width));
        let mut lanes = [[[0.0; LANES]; 1]; 4];
        accumulate(floats, [a, b, c, d], [vector], &mut lanes);
        for (out, [lanes]) in out.iter_mut().zip(lanes) {
            *out = floats.sum(floats.load(&lanes));
        }
    }
    for (out, row) in rest.iter_mut().zip(rest_rows.chunks_exact(width)) {
        let mut lanes = [[[0.0; LANES]; 1]; 1];
        accumulate(floats, [row], [vector], &mut lanes);
        *out = floats.sum(floats.load(&lanes[0][0]));
    }
}

/// `out[d] += sum_t weights[t] * rows[t][d]`, for ascending `t`, each product and each sum rounded to f32.
///
/// `rows` holds at least `weights.len()` consecutive rows of the length of `out`.
#[inline(always)]
pub(crate) fn add_weighted_rows<S: Floats>(floats: S, weights: &[f32], rows: &[f32], out: &mut [f32]) {
    let width = out.len();
    let mut first = 0;
    while first + 4 * LANES <= width {
        add_weighted_columns::<S, 4>(floats, weights, rows, width, first, out);
        first += 4 * LANES;
    }
    while first + LANES <= width {
        add_weighted_columns::<S, 1>(floats, weights, rows, width, first, out);
        first += LANES;
    }
    for d in first..width {
        for (weight, row) in weights.iter().zip(rows.chunks_exact(width)) {
            out[d] += weight * row[d];
        }
    }
}

/// [`add_weighted_rows`] for `16 N` columns from `first`.
#[inline(always)]
fn add_weighted_columns<S: Floats, const N: usize>(
    floats: S,
    weights: &[f32],
    rows: &[f32],
    width: usize,
    first: usize,
    out: &mut [f32],
) {
    let out = &mut out[first..first + N * LANES].as_chunks_mut::<LANES>().0[..N];
    let mut sums = [floats.splat(0.0); N];
    for n in 0..N {
        sums[n] = floats.load(&out[n]);
    }
    for (weight, row) in weights.iter().zip(rows.chunks_exact(width)) {
        let weight = floats.splat(*weight);
        let row = row[first..first + N * LANES].as_chunks::<LANES>().0;
        for n in 0..N {
            sums[n] = floats.add(sums[n], floats.mul(weight, floats.load(&row[n])));
        }
    }
    for n in 0..N {
        floats.store(sums[n], &mut out[n]);
    }
}
