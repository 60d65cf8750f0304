//! The product for a few tokens: weights are decoded in registers, as for one token ([`super::gemv`]), and meet the
//! activations of all tokens there.
//!
//! Columns are cut so that the activations stay in the first cache; the sums of a tile of rows wait for the next
//! columns. Each lane still has its products added in the order of columns.

use core::ops::Range;

use super::gemv::{Units, add_products};

use crate::machine::columns::ColumnsMut;
use crate::machine::outputs::Output;
use crate::packing::{DensePacking, MAX_UNIT_BYTES, Packed, whole_unit};
use crate::simd::floats::{FloatKernel, Floats, LANES};
use crate::simd::prefetch_far_lines;

/// Rows that start a chunk of work are multiples of this: those whose sums wait.
pub(super) const GRANULE: usize = 8;

/// Activations that stay in the first cache, of 32 KB and more, beside weights and sums, also where two threads share
/// it: 10 KB.
const ACTIVATIONS: usize = 10 << 8;

/// The outputs of some rows, for all tokens.
pub(super) struct Few<'a, P: DensePacking> {
    pub(super) matrix: &'a Packed<P>,
    pub(super) first_row: usize,
    /// `[tokens][cols]`
    pub(super) x: &'a [f32],
    /// For each token, the outputs of the rows from `first_row`.
    pub(super) outputs: ColumnsMut<'a, Output>,
}

impl<P: DensePacking> FloatKernel for Few<'_, P> {
    type Output = ();

    #[inline(always)]
    fn run<S: Floats>(mut self, floats: S) {
        let (rows, tokens) = (self.outputs.width(), self.outputs.rows());
        for first in (0..rows).step_by(GRANULE) {
            let rows = first..rows.min(first + GRANULE);
            let mut token = 0;
            while token < tokens {
                // As many sums as the registers hold beside weights and activations.
                token += match (tokens - token, S::MANY_REGISTERS) {
                    (..=2, true) => self.tile::<S, 4, 2>(floats, rows.clone(), token),
                    (..=4, true) => self.tile::<S, 4, 4>(floats, rows.clone(), token),
                    (_, true) => self.tile::<S, 2, 8>(floats, rows.clone(), token),
                    (..=2, false) => self.tile::<S, 2, 2>(floats, rows.clone(), token),
                    (_, false) => self.tile::<S, 1, 4>(floats, rows.clone(), token),
                };
            }
        }
    }
}

impl<P: DensePacking> Few<'_, P> {
    /// The outputs of up to [`GRANULE`] rows for `T` tokens from `first_token` on, or as many as there are; `R` rows at
    /// a time. Returns `T`.
    #[inline(always)]
    fn tile<S: Floats, const R: usize, const T: usize>(
        &mut self,
        floats: S,
        rows: Range<usize>,
        first_token: usize,
    ) -> usize {
        let Few { matrix, first_row, x, ref mut outputs } = *self;
        let (cols, last) = (matrix.cols(), outputs.rows() - 1);
        // Rows and tokens beyond the last are the last: computed and dropped.
        let mut tile: [&[u8]; GRANULE] = [&[]; GRANULE];
        for (r, row) in tile.iter_mut().enumerate() {
            *row = matrix.row(first_row + (rows.start + r).min(rows.end - 1));
        }
        let mut of_tokens = [Units::new::<P>(&x[..cols]); T];
        for (t, of_token) in of_tokens.iter_mut().enumerate().skip(1) {
            *of_token = Units::new::<P>(&x[(first_token + t).min(last) * cols..][..cols]);
        }
        of_tokens[0] = Units::new::<P>(&x[first_token * cols..][..cols]);
        let (units, at_once) = (cols / P::UNIT, (ACTIVATIONS / T / P::UNIT).max(1));
        // The rows after these are asked for once, while these meet the first tokens.
        let ahead = if first_token == 0 { GRANULE * tile[0].len() } else { 0 };
        let mut sums = [[floats.splat(0.0); T]; GRANULE];
        for start in (0..units).step_by(at_once) {
            let units = start..units.min(start + at_once);
            for (rows, sums) in tile.as_chunks::<R>().0.iter().zip(sums.as_chunks_mut::<R>().0) {
                *sums =
                    add_units::<S, P, R, T>(floats, (rows, ahead), matrix.shared(), &of_tokens, units.clone(), *sums);
            }
        }
        if cols % P::UNIT > 0 {
            for (row, sums) in tile.iter().zip(&mut sums) {
                add_end::<S, P, T>(floats, &row[units * P::UNIT_BYTES..], matrix.shared(), &of_tokens, sums);
            }
        }
        for (row, sums) in rows.zip(&sums) {
            for (token, sum) in (first_token..=last).zip(sums) {
                outputs.row(token)[row].put(floats.sum(*sum) * matrix.multiplier());
            }
        }
        T
    }
}

/// `sums` and the products of some units of `R` rows with the activations of `T` tokens. What lies `ahead` bytes beyond
/// each row is asked for.
#[inline(always)]
fn add_units<S: Floats, P: DensePacking, const R: usize, const T: usize>(
    floats: S,
    (rows, ahead): (&[&[u8]; R], usize),
    shared: P::Shared,
    x: &[Units<'_>; T],
    units: Range<usize>,
    mut sums: [[S::F32x16; T]; R],
) -> [[S::F32x16; T]; R] {
    let vectors = const { P::UNIT / LANES };
    // Slices of one length, so that one comparison serves all.
    let mut weights: [&[u8]; R] = [&[]; R];
    for (weights, row) in weights.iter_mut().zip(rows) {
        *weights = &row[units.start * P::UNIT_BYTES..units.end * P::UNIT_BYTES];
    }
    let mut activations: [&[[f32; LANES]]; T] = [&[]; T];
    for (activations, x) in activations.iter_mut().zip(x) {
        *activations = &x.whole.as_chunks().0[units.start * vectors..units.end * vectors];
    }
    for u in 0..units.len() {
        for r in 0..R {
            let bytes = &weights[r][u * P::UNIT_BYTES..(u + 1) * P::UNIT_BYTES];
            prefetch_far_lines(bytes.as_ptr().wrapping_add(ahead), P::UNIT_BYTES);
            let unit = P::unit(floats, bytes, shared);
            for index in 0..vectors {
                let vector = P::vector(floats, &unit, index);
                for t in 0..T {
                    let x = floats.load(&activations[t][u * vectors + index]);
                    sums[r][t] = floats.add(sums[r][t], floats.mul(vector, x));
                }
            }
        }
    }
    sums
}

/// Adds the products of the end of a row that is no whole unit.
#[inline(always)]
fn add_end<S: Floats, P: DensePacking, const T: usize>(
    floats: S,
    end: &[u8],
    shared: P::Shared,
    x: &[Units<'_>; T],
    sums: &mut [S::F32x16; T],
) {
    let mut padded = [0; MAX_UNIT_BYTES];
    let unit = P::unit(floats, whole_unit::<P>(end, &mut padded), shared);
    for (sum, x) in sums.iter_mut().zip(x) {
        if let Some(end) = &x.end {
            *sum = add_products::<S, P>(floats, &unit, &end[..P::UNIT], *sum);
        }
    }
}
