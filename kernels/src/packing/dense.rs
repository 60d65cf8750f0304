//! What products with f32 activations need of a packing: a unit of a row decoded in registers.
//!
//! What belongs here: the trait and the units of a row. What does not: the products ([`crate::product::dense`]).

use super::Packing;
use crate::simd::floats::{Floats, LANES};

/// A packing that is decoded to `f32` in every product, unit by unit.
///
/// A unit is as much of a row as is decoded at once: a block, or sixteen elements of a packing without blocks.
pub(crate) trait DensePacking: Packing {
    /// Elements of a unit: a multiple of [`LANES`] and of [`Packing::BLOCK`], at most [`MAX_UNIT`].
    const UNIT: usize;
    /// Bytes of a unit, at most [`MAX_UNIT_BYTES`].
    const UNIT_BYTES: usize = Self::UNIT / Self::BLOCK * Self::BLOCK_BYTES;

    /// Whether one token and a few have products of their own, which decode weights in registers: where weights as a
    /// rule meet f32 activations. Quantized packings meet 16-bit ones, those of codes bytes; these kernels, compiled
    /// for each packing and instruction set, would be a tenth of the crate.
    const IN_REGISTERS: bool = false;

    /// A unit, prepared for [`DensePacking::vector`].
    type Unit<'a, S: Floats>;

    /// Prepares a unit of [`DensePacking::UNIT_BYTES`] bytes.
    fn unit<'a, S: Floats>(floats: S, bytes: &'a [u8], shared: Self::Shared) -> Self::Unit<'a, S>;

    /// Elements `16 index..16 index + 16` of a unit; the same bits on every instruction set.
    fn vector<S: Floats>(floats: S, unit: &Self::Unit<'_, S>, index: usize) -> S::F32x16;

    /// [`Packing::decode`] compiled for the instruction set of `floats`.
    #[inline(always)]
    fn decode_units<S: Floats>(floats: S, blocks: &[u8], shared: Self::Shared, out: &mut [f32]) {
        let (whole, end) = out.split_at_mut(out.len() - out.len() % Self::UNIT);
        let (units, end_bytes) = blocks.split_at(whole.len() / Self::UNIT * Self::UNIT_BYTES);
        for (bytes, out) in units.chunks_exact(Self::UNIT_BYTES).zip(whole.chunks_exact_mut(Self::UNIT)) {
            let unit = Self::unit(floats, bytes, shared);
            for (index, vector) in out.as_chunks_mut::<LANES>().0.iter_mut().enumerate() {
                floats.store(Self::vector(floats, &unit, index), vector);
            }
        }
        if !end.is_empty() {
            let mut padded = [0; MAX_UNIT_BYTES];
            let unit = Self::unit(floats, whole_unit::<Self>(end_bytes, &mut padded), shared);
            for (index, part) in end.chunks_mut(LANES).enumerate() {
                let mut vector = [0.0; LANES];
                floats.store(Self::vector(floats, &unit, index), &mut vector);
                part.copy_from_slice(&vector[..part.len()]);
            }
        }
    }
}

/// The most elements of a unit.
pub(crate) const MAX_UNIT: usize = 256;
/// The most bytes of a unit.
pub(crate) const MAX_UNIT_BYTES: usize = 256;

/// `bytes`, or where they are not a whole unit, as at the end of a row, a unit of them and of zeros.
#[inline(always)]
pub(crate) fn whole_unit<'a, P: DensePacking>(bytes: &'a [u8], padded: &'a mut [u8; MAX_UNIT_BYTES]) -> &'a [u8] {
    if bytes.len() == P::UNIT_BYTES {
        return bytes;
    }
    padded[..bytes.len()].copy_from_slice(bytes);
    &padded[..P::UNIT_BYTES]
}
