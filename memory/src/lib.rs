//! Elements of tensors, and how many there are: what typed tensors and the arithmetic on slices have in common.
//!
//! What belongs here: ownership of elements ([`Buffer`]) and products of lengths ([`product_of`]). What does not:
//! shapes (`trine-shapes`) and arithmetic (`trine-kernels`), neither of which knows the other.
#![forbid(unsafe_code)]
#![cfg_attr(not(test), no_std)]

extern crate alloc;

mod buffer;
mod size;

pub use buffer::{Buffer, Home};
pub use size::{MAX_ELEMENTS, product_of, product_within};
