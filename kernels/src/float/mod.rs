//! Floating-point kernels over slices: norms, activation functions, softmax, rotary embedding, attention.
//!
//! Every kernel is one portable body, compiled once for each instruction set by [`crate::arch::floats`]. Sums run in an
//! order that the body fixes, and products are fused with sums where the body says so ([`attention`]) and nowhere else,
//! so the same input gives the same bits on every instruction set and every number of threads.
//!
//! Not here: matrix products (`dense`, `ternary`), storage formats (`packing`), tensors and axes (`ops`).

pub(crate) mod attention;
pub(crate) mod dot;
pub(crate) mod elementwise;
pub(crate) mod exp;
pub(crate) mod half_precision;
pub(crate) mod norm;
pub(crate) mod rope;
pub(crate) mod softmax;

#[cfg(test)]
pub(crate) mod tests;

pub use elementwise::GateActivation;
