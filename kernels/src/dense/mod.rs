//! Products with f32 activations: dense matrices, and ternary ones where their activations are not to be quantized.
//!
//! What belongs here: the product and what it needs of a packing. What does not: the layouts themselves
//! ([`crate::packing`]), products with quantized activations ([`crate::ternary`]).

mod product;
#[cfg(test)]
mod tests;

pub(crate) use product::product;

use crate::arch::floats::Floats;
use crate::packing::Packing;

/// A packing that is decoded to `f32` in every product.
pub(crate) trait DensePacking: Packing {
    /// [`Packing::decode`] compiled for the instruction set of `floats`; the same bits on all of them.
    fn decode_blocks<S: Floats>(floats: S, blocks: &[u8], shared: Self::Shared, out: &mut [f32]);
}
