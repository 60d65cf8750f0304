//! What llama.cpp does with a file that Trine reads.
//!
//! What belongs here: files that load there and compute something else, or that are refused there, and why. What does
//! not: what Trine itself finds wrong with a file.
//!
//! Each case was seen with llama.cpp v0.5.0.

use crate::files::{Container, Source};
use std::fmt;
use trine_loader::TensorType;

/// The number of Q2_0 in llama.cpp's table of types.
const Q2_0_ID: u32 = 42;

/// What llama.cpp v0.5.0 does with a file, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Elsewhere {
    /// Matrices are folded, which nothing there knows: their inputs are not transformed.
    Folded,
    /// Id 42 is read as groups of 64 weights, and the file has groups of 128.
    LegacyGroups,
    /// Id 42 is read as groups of 64 ternary weights, and the file has STQ1_0.
    SparseUnderQ2_0,
    /// Matrices have norms of their inputs, which nothing there knows.
    InputNorms,
}

impl fmt::Display for Elsewhere {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Elsewhere::Folded => {
                "llama.cpp v0.5.0 loads it and prints wrong text: its matrices are folded (`prism.hadamard.*`), and \
                 nothing there transforms their inputs"
            }
            Elsewhere::LegacyGroups => {
                "llama.cpp v0.5.0 refuses it: it reads type id 42 as groups of 64 weights; `trine convert --to q2_0` \
                 writes those"
            }
            Elsewhere::SparseUnderQ2_0 => {
                "llama.cpp v0.5.0 refuses it: it reads type id 42 as Q2_0, and the tensors of this id are STQ1_0"
            }
            Elsewhere::InputNorms => {
                "llama.cpp v0.5.0 refuses it: it does not know the norms of the inputs of matrices (`_norm_in`)"
            }
        })
    }
}

/// What llama.cpp v0.5.0 makes of a GGUF file; empty where nothing is known, and for directories. Of a file whose
/// metadata describes no model only the layouts are looked at.
pub fn elsewhere(source: &dyn Source) -> Vec<Elsewhere> {
    if !matches!(source.container(), Container::Gguf { .. }) {
        return Vec::new();
    }
    let under_42: Vec<TensorType> =
        source.layouts().iter().filter(|layout| layout.id == Q2_0_ID).map(|layout| layout.kind).collect();
    let mut found = Vec::new();
    if under_42.contains(&TensorType::PQ2_0) {
        found.push(Elsewhere::LegacyGroups);
    }
    if under_42.contains(&TensorType::STQ1_0) {
        found.push(Elsewhere::SparseUnderQ2_0);
    }
    let config = source.config().ok();
    if config.as_ref().is_some_and(|config| config.input_norms) {
        found.push(Elsewhere::InputNorms);
    }
    // What is refused prints nothing.
    if found.is_empty() && config.is_some_and(|config| config.folding.is_some()) {
        found.push(Elsewhere::Folded);
    }
    found
}
