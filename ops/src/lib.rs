//! Operations on typed tensors: what an operation takes and makes is in its signature.
//!
//! Each is a method of [`Cpu`]. It hands slices to a kernel, which asserts their lengths once, and gives its result the
//! axes that say what was done. So a role, such as [`Normed`](trine_shapes::Normed), is on a tensor only because the
//! operation of that name made it; an operation that gives no role takes
//! [`Roleless`](trine_shapes::Roleless) axes and leaves them as they are.
//!
//! | to | call |
//! |---|---|
//! | apply a function to each element | [`map`](Cpu::map), [`map_by`](Cpu::map_by), [`scale`](Cpu::scale) |
//! | combine two tensors | [`add`](Cpu::add), [`product`](Cpu::product), [`zip`](Cpu::zip) |
//! | combine all rows with one | [`add_to_rows`](Cpu::add_to_rows), [`multiply_rows`](Cpu::multiply_rows) |
//! | multiply each row by a number | [`scale_rows`](Cpu::scale_rows) |
//! | reduce an axis | [`sum`](Cpu::sum), [`mean`](Cpu::mean), [`max`](Cpu::max), [`min`](Cpu::min) |
//! | make probabilities of logits | [`softmax`](Cpu::softmax), [`log_softmax`](Cpu::log_softmax) |
//! | find the largest | [`argmax`](Cpu::argmax), [`top_k`](Cpu::top_k) |
//! | add rows up where indices say | [`scatter_add`](Cpu::scatter_add) |
//! | multiply with weights | [`linear`](Cpu::linear), [`logits`](Cpu::logits) |
//! | multiply activations | [`matrix_product`](Cpu::matrix_product), [`outer_product`](Cpu::outer_product) |
//! | send tokens to experts | [`route`](Cpu::route), [`mixture`](Cpu::mixture) |
//! | normalise | [`rms_norm`](Cpu::rms_norm), [`layer_norm`](Cpu::layer_norm), [`norm_heads`](Cpu::norm_heads) |
//! | attend | [`attention`](Cpu::attention) with a cache, [`attend`](Cpu::attend) without |
//! | go along a sequence | [`causal_convolution`](Cpu::causal_convolution), [`scan`](Cpu::scan) |
//! | go along many, with states | [`short_convolution`](Cpu::short_convolution), [`delta_rule`](Cpu::delta_rule) |
//!
//! Reading by index, finding an index, permuting, repeating, joining and cutting are methods of
//! [`View`](trine_shapes::View) and [`Tensor`](trine_shapes::Tensor). Sums and multiples keep the roles that matrices
//! make ([`Additive`](trine_shapes::Additive)).
//!
//! What belongs here: signatures, allocation of results, caches with axes. What does not: arithmetic that a forward
//! pass waits for (`trine-kernels`), and layers of a model (`trine-model`).
#![forbid(unsafe_code)]
#![cfg_attr(not(any(feature = "std", test)), no_std)]

extern crate alloc;

mod attend;
mod attention;
mod broadcast;
mod cache;
mod convolution;
mod cpu;
mod delta;
mod fold;
mod gate;
mod layer_norm;
mod linear;
mod low_rank;
#[cfg(test)]
mod low_rank_tests;
mod map;
mod matmul;
mod matrix;
mod norm;
mod parts;
mod pool;
mod recurrent;
mod reduce;
mod residual;
mod rope;
mod routing;
mod scan;
mod select;
mod softmax;
mod table;
#[cfg(test)]
mod tests;
mod weight;

pub use attend::Window;
pub use cache::{CacheStepError, Cached, KvLayer, KvPool, KvSequence, KvStep};
pub use cpu::Cpu;
pub use delta::{DeltaGates, DeltaRates, HeadOrder};
pub use fold::{Fold, FoldError};
pub use gate::Gating;
pub use layer_norm::LayerNorm;
pub use linear::Activations;
pub use low_rank::{LowRank, LowRankError};
pub use map::Function;
pub use matmul::Multiplies;
pub use norm::RmsNorm;
pub use pool::Pooling;
pub use recurrent::{ConvolutionState, DeltaState, RecurrentSequence, RecurrentStep};
pub use residual::Residual;
pub use rope::Rope;
pub use routing::{Routed, Routing};
pub use table::{Embedding, Head};
pub use weight::{Affine, Bias, RowMajor, Weight};

/// `most` random cases, or as many as `PROPTEST_CASES` says: emulated processors are slow.
#[cfg(test)]
fn cases(most: u32) -> proptest::test_runner::Config {
    let default = proptest::test_runner::Config::default();
    proptest::test_runner::Config { cases: most.min(default.cases), ..default }
}
