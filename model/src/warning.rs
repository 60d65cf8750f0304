//! What a user should know of a model that is taken nevertheless.
//!
//! What belongs here: each remark of reading, loading and converting, as a value and in words. What does not: what a
//! judge finds unusual ([`Judgement`](crate::Judgement)).

use crate::description::Architecture;
use std::time::Duration;
use trine_kernels::{ActivationMode, Isa, OPTIMISED};
use trine_loader::Keys;
#[cfg(feature = "text")]
use trine_text::{NotInGguf, TokenizerWarning};

/// A remark on a model, or on what it runs on. Printed as one line, which begins with the file where it is about one.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Warning {
    /// The kernels were compiled without optimisation, as in a debug build of a program whose profile has no line for
    /// them.
    #[error(
        "the kernels were compiled without optimisation, so that all takes some hundred times as long: give \
         `[profile.dev.package.trine-kernels]` an `opt-level = 3` in Cargo.toml"
    )]
    Unoptimised,
    /// Float matrices run as they are, in a model whose matrices were trained as ternary.
    #[error(
        "{file}: {count} matrices (first: `{first}`) are not ternary and run as they are, which is not what a \
         `{architecture}` model computes; `--quantize absmean` quantizes float masters"
    )]
    NotTernary {
        /// The file.
        file: String,
        /// How many.
        count: usize,
        /// The tensor of the first.
        first: String,
        /// The architecture.
        architecture: Architecture,
    },
    /// Entries that say something of the model and that nobody here knows.
    #[error("{file}: nothing reads {}: if that changes what the model computes, its text is wrong", Keys(entries))]
    UnknownEntries {
        /// The file.
        file: String,
        /// Their keys.
        entries: Vec<String>,
    },
    /// Copies in triples were asked for, and there are none.
    #[error("{file}: no copies of matrices in triples: {why}")]
    NoTriples {
        /// The file.
        file: String,
        /// Why.
        why: NoTriples,
    },
    /// Of the vocabulary.
    #[cfg(feature = "text")]
    #[error("{file}: {warning}")]
    Tokenizer {
        /// The file.
        file: String,
        /// What.
        warning: TokenizerWarning,
    },
    /// A model without a vocabulary, as a directory without `tokenizer.json` is.
    #[error("{file}: it has no tokenizer, so its tokens have no texts")]
    NoVocabulary {
        /// The file or directory.
        file: String,
    },
    /// Something of a directory's tokenizer that no key of a GGUF file says: one that is made of the directory has it
    /// no more.
    #[cfg(feature = "text")]
    #[error("{file}: no key of a GGUF file says that {lost}; from such a file it has the ids that it has in llama.cpp")]
    NotInGguf {
        /// The directory.
        file: String,
        /// What.
        lost: NotInGguf,
    },
    /// A converted file whose matrices compute with other activations than the source's.
    #[error(
        "{file}: its ternary matrices meet {before} activations, and those of the file {after} ones unless \
         `--activations {before}` is given"
    )]
    OtherActivations {
        /// The source.
        file: String,
        /// Those of the source.
        before: ActivationMode,
        /// Those of the file.
        after: ActivationMode,
    },
}

impl Warning {
    /// What is to be known of the way in which this program was compiled.
    pub fn of_build() -> Option<Warning> {
        (!OPTIMISED).then_some(Warning::Unoptimised)
    }
}

/// Why decoding reads no copies in triples.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum NoTriples {
    /// The machine has no instructions for them.
    #[error("the instruction set {0} has no lookups for them")]
    NoLookups(Isa),
    /// None could be made.
    #[error("no matrix is ternary with one scale and meets int8 activations, or there is no memory for them")]
    NoMatrix,
    /// They would not make it faster.
    #[error(
        "the matrices of a token take {:.1} ms with them and {:.1} ms without",
        .with.as_secs_f64() * 1e3, .without.as_secs_f64() * 1e3
    )]
    Slower {
        /// A token with them.
        with: Duration,
        /// A token without.
        without: Duration,
    },
}
