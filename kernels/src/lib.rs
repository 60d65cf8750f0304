//! All arithmetic of Trine on the CPU: packed weights, ternary and dense products, and the float operations of a
//! transformer.
//!
//! What belongs here: number formats of weights ([`packing`]), quantization of activations, matrix products, norms,
//! attention, and the threads and instruction sets they run on ([`Machine`]). What does not: files, tensor names,
//! metadata, the layers of a model, and allocation inside hot loops.
//!
//! Results do not depend on the machine: integer parts are exact, float operations have a stated order, and the same
//! inputs give the same bits on every instruction set and for every number of threads. [`mod@reference`] defines each
//! operation in plain loops; every fast kernel is tested against it.
//!
//! `unsafe` occurs in this crate for SIMD, for its threads and for the outputs that they share, and each block proves
//! why it is sound.
//!
//! Without the feature `std` the crate needs an allocator and no operating system: no threads, no clock ([`limits`]),
//! no [`mod@reference`], and the instruction set is what the crate is compiled for. Without `simd` it is plain Rust.
#![cfg_attr(not(any(feature = "std", test)), no_std)]

#[macro_use]
extern crate alloc;

pub mod arch;
mod columns;
pub mod dense;
pub(crate) mod float;
mod huge_pages;
mod kept;
#[cfg(feature = "std")]
pub mod limits;
pub mod machine;
pub mod matrix;
pub mod packing;
pub mod pages;
mod parallel;
#[cfg(feature = "threads")]
mod pool;
pub mod quantize;
#[cfg(any(feature = "std", test))]
pub mod reference;
#[cfg_attr(not(any(feature = "threads", test)), allow(dead_code, reason = "one thread does all the work"))]
mod shares;
mod shortlist;
pub mod slices;
mod slots;
pub mod ternary;

pub use arch::Isa;
pub use float::GateActivation;
pub use float::attention::page::{CacheType, PAGE};
pub use machine::{CpuError, CpuOptions, Machine};
pub use matrix::{ActivationMode, Matrix, PackingKind};
pub use packing::{Packed, Packing, PackingError};
pub use pages::CacheFull;
pub use quantize::ActivationRows;
pub use shortlist::{LargestProducts, Shortlist};

/// Whether the compiler optimised this crate. Where it did not, as in a debug build of a program whose profile says
/// nothing of this package, a product takes some hundred times as long.
pub const OPTIMISED: bool = cfg!(optimised);

/// `most` random cases, or as many as `PROPTEST_CASES` says: emulated processors are slow.
#[cfg(test)]
fn cases(most: u32) -> proptest::test_runner::Config {
    let default = proptest::test_runner::Config::default();
    proptest::test_runner::Config { cases: most.min(default.cases), ..default }
}
