//! Products of dense matrices (F32, F16, BF16, Q8_0, Q4_0, Q4_1, Q6_K) with f32 activations.
//!
//! What belongs here: the product and what it needs of a packing. What does not: the layouts themselves
//! ([`crate::packing`]), ternary matrices ([`crate::ternary`]).

mod product;

pub(crate) use product::product;

use crate::arch::floats::Floats;
use crate::packing::Packing;

/// A packing whose blocks decode to `f32` on their own, fast enough to be decoded in every product.
pub(crate) trait DensePacking: Packing<Shared = ()> {
    /// [`Packing::decode`] compiled for the instruction set of `floats`; the same bits on all of them.
    fn decode_blocks<S: Floats>(floats: S, blocks: &[u8], out: &mut [f32]);
}
