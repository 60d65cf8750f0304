//! What is done with whole models besides running them.
//!
//! * `convert.rs`, `synthetic.rs`: writing files;
//! * `diff.rs`, `inspect.rs`, `judge.rs`: what files hold, and whether that is usual;
//! * `elsewhere.rs`: what llama.cpp does with them;
//! * `perplexity.rs`: how well a model predicts a text;
//! * `trace.rs`: how large the values of each part are;
//! * `trial.rs`: whether it computes numbers.
//!
//! What belongs here: what a command does with a model. What does not: arguments and printing (the `trine` command).

#[cfg(test)]
mod changed;
mod convert;
mod diff;
mod elsewhere;
pub mod inspect;
mod judge;
mod perplexity;
mod synthetic;
mod trace;
mod trial;

pub use convert::{Conversion, ConvertError, ConvertProblem, Converted, HEAD_TYPES, MATRIX_TYPES, convert};
pub use diff::{Difference, KeyDifference, Side, TensorDifference, Values, diff};
pub use elsewhere::{Elsewhere, elsewhere};
pub use judge::{Judgement, Statistics, judge, usual_rms};
pub use perplexity::{Perplexity, PerplexityError, Windows, perplexity};
pub use synthetic::{Synthetic, SyntheticError};
pub use trace::{PartValues, trace};
pub use trial::{TrialError, trial};
