//! Rows of little-endian half-precision values: F16 weights and the F16 cache.

use crate::simd::floats::{Floats, LANES};
use half::f16;
use half::slice::HalfFloatSliceExt;

/// Half precision to single precision; exact. `from` holds two bytes for each element of `to`.
#[inline(always)]
pub(crate) fn widen<S: Floats>(floats: S, from: &[u8], to: &mut [f32]) {
    let (from, from_rest) = from.as_chunks::<{ 2 * LANES }>();
    let (to, to_rest) = to.as_chunks_mut::<LANES>();
    for (to, from) in to.iter_mut().zip(from) {
        floats.store(floats.load_f16(from), to);
    }
    for (to, from) in to_rest.iter_mut().zip(from_rest.as_chunks::<2>().0) {
        *to = f16::from_le_bytes(*from).to_f32();
    }
}

/// Single precision to half precision, rounded to nearest, ties to even; beyond 65504 it becomes infinite.
pub(crate) fn narrow(from: &[f32], to: &mut [[u8; 2]]) {
    let mut halves = [f16::ZERO; 4 * LANES];
    for (from, to) in from.chunks(halves.len()).zip(to.chunks_mut(halves.len())) {
        let halves = &mut halves[..from.len()];
        halves.convert_from_f32_slice(from);
        to.iter_mut().zip(halves).for_each(|(to, half)| *to = half.to_le_bytes());
    }
}
