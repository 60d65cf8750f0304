//! The product for one token: weights are decoded in registers and meet the activations there.
//!
//! A few rows are computed together, so that their sums do not wait for one another.

use crate::machine::outputs::Output;
use crate::packing::{DensePacking, MAX_UNIT, MAX_UNIT_BYTES, Packed, whole_unit};
use crate::simd::floats::{FloatKernel, Floats, LANES};
use crate::simd::prefetch_far_lines;

/// Rows of a tile.
pub(super) const TILE: usize = 4;

/// The product of some rows with one token.
pub(super) struct Gemv<'a, P: DensePacking> {
    pub(super) matrix: &'a Packed<P>,
    pub(super) first_row: usize,
    /// The activations of the token.
    pub(super) x: &'a [f32],
    /// The outputs of the rows from `first_row`.
    pub(super) y: &'a mut [Output],
}

impl<P: DensePacking> FloatKernel for Gemv<'_, P> {
    type Output = ();

    #[inline(always)]
    fn run<S: Floats>(self, floats: S) {
        let Gemv { matrix, first_row, x, y } = self;
        let x = Units::new::<P>(x);
        let mut first = first_row;
        for y in y.chunks_mut(TILE) {
            // Rows beyond the last are the last: computed and dropped.
            let mut rows: [&[u8]; TILE] = [&[]; TILE];
            for (r, row) in rows.iter_mut().enumerate() {
                *row = matrix.row(first + r.min(y.len() - 1));
            }
            let next = rows[0].as_ptr().wrapping_add(TILE * rows[0].len());
            let sums = dot_rows::<S, P>(floats, rows, next, matrix.shared(), &x);
            for (y, sum) in y.iter_mut().zip(sums) {
                y.put(floats.sum(sum) * matrix.multiplier());
            }
            first += TILE;
        }
    }
}

/// The product of up to [`TILE`] rows, wherever they are, with one token.
pub(super) struct GemvOfRows<'a, P: DensePacking> {
    pub(super) matrix: &'a Packed<P>,
    pub(super) rows: &'a [u32],
    /// The activations of the token.
    pub(super) x: &'a [f32],
    /// One output for each row.
    pub(super) y: &'a mut [Output],
}

impl<P: DensePacking> FloatKernel for GemvOfRows<'_, P> {
    type Output = ();

    #[inline(always)]
    fn run<S: Floats>(self, floats: S) {
        let GemvOfRows { matrix, rows: numbers, x, y } = self;
        let mut rows: [&[u8]; TILE] = [&[]; TILE];
        for (r, row) in rows.iter_mut().enumerate() {
            *row = matrix.row(numbers[r.min(numbers.len() - 1)] as usize);
        }
        // Nothing follows that is known to be wanted.
        let next = rows[0].as_ptr();
        let sums = dot_rows::<S, P>(floats, rows, next, matrix.shared(), &Units::new::<P>(x));
        for (y, sum) in y.iter_mut().zip(sums) {
            y.put(floats.sum(sum) * matrix.multiplier());
        }
    }
}

/// The activations of a token as units meet them.
#[derive(Clone, Copy)]
pub(super) struct Units<'a> {
    pub(super) whole: &'a [f32],
    /// The last unit, padded with zeros, where the activations do not end with a whole one.
    pub(super) end: Option<[f32; MAX_UNIT]>,
}

impl<'a> Units<'a> {
    #[inline(always)]
    pub(super) fn new<P: DensePacking>(x: &'a [f32]) -> Self {
        let (whole, end) = x.split_at(x.len() - x.len() % P::UNIT);
        if end.is_empty() {
            return Units { whole, end: None };
        }
        let mut padded = [0.0; MAX_UNIT];
        padded[..end.len()].copy_from_slice(end);
        Units { whole, end: Some(padded) }
    }
}

/// The lanes of the dot products of some rows with the activations: whole units, then one padded with zeros or none.
/// `next` is where the rows after these begin.
///
/// A product of zeros changes no lane: lanes start as +0, and no sum that has a +0 in it is -0.
#[inline(always)]
fn dot_rows<S: Floats, P: DensePacking>(
    floats: S,
    rows: [&[u8]; TILE],
    next: *const u8,
    shared: P::Shared,
    x: &Units<'_>,
) -> [S::F32x16; TILE] {
    let mut sums = [floats.splat(0.0); TILE];
    for (u, x) in x.whole.chunks_exact(P::UNIT).enumerate() {
        // As many bytes of the next rows as the rows at hand read of this unit.
        prefetch_far_lines(next.wrapping_add(u * TILE * P::UNIT_BYTES), TILE * P::UNIT_BYTES);
        for r in 0..TILE {
            let unit = P::unit(floats, &rows[r][u * P::UNIT_BYTES..(u + 1) * P::UNIT_BYTES], shared);
            sums[r] = add_products::<S, P>(floats, &unit, x, sums[r]);
        }
    }
    if let Some(end) = &x.end {
        for r in 0..TILE {
            let mut padded = [0; MAX_UNIT_BYTES];
            let bytes = whole_unit::<P>(&rows[r][x.whole.len() / P::UNIT * P::UNIT_BYTES..], &mut padded);
            sums[r] = add_products::<S, P>(floats, &P::unit(floats, bytes, shared), &end[..P::UNIT], sums[r]);
        }
    }
    sums
}

/// `sum` and the products of a unit with its activations.
#[inline(always)]
pub(super) fn add_products<S: Floats, P: DensePacking>(
    floats: S,
    unit: &P::Unit<'_, S>,
    x: &[f32],
    mut sum: S::F32x16,
) -> S::F32x16 {
    for (index, x) in x.as_chunks::<LANES>().0[..P::UNIT / LANES].iter().enumerate() {
        sum = floats.add(sum, floats.mul(P::vector(floats, unit, index), floats.load(x)));
    }
    sum
}
