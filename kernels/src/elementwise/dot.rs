//! Dot products of `f32` rows in one fixed order.

use crate::simd::floats::{Floats, LANES};

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
