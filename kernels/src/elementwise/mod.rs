//! Floating-point kernels over rows and elements: norms, activation functions, softmax, rotary embedding.
//!
//! Every kernel is one portable body, compiled once for each instruction set by [`crate::simd::floats`]. Sums run in an
//! order that the body fixes, and products are never fused with sums, so the same input gives the same bits on every
//! instruction set and every number of threads.
//!
//! Not here: matrix products ([`crate::product`]), [`crate::attention`], storage formats ([`crate::packing`]), tensors
//! and axes (`ops`).

pub(crate) mod dot;
pub(crate) mod exp;
pub(crate) mod half_precision;
pub(crate) mod norm;
pub(crate) mod pointwise;
pub(crate) mod rope;
pub(crate) mod softmax;

#[cfg(test)]
pub(crate) mod tests;

pub use pointwise::GateActivation;
