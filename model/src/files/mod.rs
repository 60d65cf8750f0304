//! Files of models, whatever they look like: a GGUF file, or a directory that HF transformers saved.
//!
//! * `source.rs`: the view that both give, [`Source`]; `encoding.rs`: how the bytes of their tensors stand for numbers;
//! * `gguf.rs`, `hf.rs`: the two behind it;
//! * `open.rs`: a path as one of them;
//! * `advice.rs`: what publishers say besides;
//! * `entries.rs`: which of their entries are read, and why others are not.
//!
//! What belongs here: what files say. What does not: their bytes (`trine-loader`), what a model is (`description`), and
//! what its tensors hold (`weights`).

mod advice;
mod encoding;
mod entries;
mod gguf;
#[cfg(feature = "text")]
mod hf;
mod open;
mod source;

pub use advice::Advice;
pub use encoding::{Encoding, Words};
#[cfg(feature = "tools")]
pub use gguf::sha256;
#[cfg(feature = "text")]
pub(crate) use hf::role as hf_role;
#[cfg(feature = "text")]
pub use hf::{HfDirectory, HfError};
pub use open::{SourceError, open_model};
pub use source::{Container, Source, SourceTensor};
#[cfg(feature = "text")]
pub use source::{Description, DescriptionError};
