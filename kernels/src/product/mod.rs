//! Products of matrices with activations.
//!
//! What belongs here: a matrix whose packing is known when the program runs ([`matrix`]), its products by family
//! ([`ternary`], [`dense`]), products of some of its rows, and the largest products of a matrix of floats, which are
//! screened first. What does not: layouts ([`crate::packing`]) and quantized activations ([`crate::activations`]).

pub mod dense;
pub mod matrix;
mod shortlist;
mod some_rows;
pub mod ternary;

pub use matrix::{ActivationMode, Matrix, PackingKind};
pub use shortlist::Shortlist;
pub use some_rows::RowProducts;
