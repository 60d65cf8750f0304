//! All arithmetic of Trine on the CPU: packed weights, ternary and dense products, and the float operations of a
//! transformer.
//!
//! What belongs here: number formats of weights ([`packing`]), quantized [`activations`], matrix products
//! ([`product`]), [`mod@attention`], norms and other operations on rows, and the threads and instruction sets they run
//! on ([`Machine`], [`simd`]). What does not: files, tensor names, metadata, the layers of a model.
//!
//! Results do not depend on the machine: integer parts are exact, float operations have a stated order, and the same
//! inputs give the same bits on every instruction set and for every number of threads. [`mod@reference`] defines each
//! operation in plain loops; every fast kernel is tested against it.
//!
//! `unsafe` occurs in this crate for SIMD, for its threads and for the outputs that they share, and each block proves
//! why it is sound.
//!
//! Without the feature `std` the crate needs an allocator and no operating system: no threads, no clock
//! ([`machine::limits`]), no [`mod@reference`], and the instruction set is what the crate is compiled for. Without
//! `simd` it is plain Rust.
#![cfg_attr(not(any(feature = "std", test)), no_std)]

#[macro_use]
extern crate alloc;

pub mod activations;
pub mod attention;
mod elementwise;
pub mod machine;
pub mod packing;
pub mod product;
#[cfg(any(feature = "std", test))]
pub mod reference;
pub mod simd;
pub mod slices;

pub use activations::ActivationRows;
pub use attention::page::{CacheType, PAGE};
pub use attention::pages::CacheFull;
pub use elementwise::GateActivation;
pub use machine::{CpuError, CpuOptions, Machine};
pub use packing::{Packed, Packing, PackingError};
pub use product::{ActivationMode, Matrix, PackingKind, RowProducts, Shortlist};
pub use simd::Isa;

/// Whether the compiler optimised this crate. Where it did not, as in a debug build of a program whose profile says
/// nothing of this package, a product takes some hundred times as long.
pub const OPTIMISED: bool = cfg!(optimised);

/// `most` random cases, or as many as `PROPTEST_CASES` says: emulated processors are slow.
#[cfg(test)]
fn cases(most: u32) -> proptest::test_runner::Config {
    let default = proptest::test_runner::Config::default();
    proptest::test_runner::Config { cases: most.min(default.cases), ..default }
}
