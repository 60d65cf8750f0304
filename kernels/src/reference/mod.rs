//! The definition of every operation in plain loops, which the fast kernels are tested against.
//!
//! What belongs here: arithmetic that a reader can check against the formulas. What does not: anything clever.

pub mod attention;
pub mod dense;
pub mod float;
pub mod int16;
pub mod ternary;
