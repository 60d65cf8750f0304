//! The typed door: operations of a transformer on tensors whose shapes the compiler has checked.
//!
//! Each operation is a method of [`Cpu`](crate::Cpu) that takes typed tensors and hands slices to a kernel, which
//! asserts their lengths once. What belongs here: signatures, and allocation of results. What does not: arithmetic.

mod attention;
mod cache;
mod elementwise;
mod linear;
mod norm;
mod rope;
#[cfg(test)]
mod tests;

pub use cache::{CacheStepError, Cached, KvLayer, KvPool, KvSequence, KvStep};
pub use linear::Activations;
pub use norm::RmsNorm;
pub use rope::Rope;
