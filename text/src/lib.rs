//! Text for language models: to token ids and back, conversations as the text that a model was trained on, text from
//! bytes that arrive in pieces, where it stops, and which parts of it are thoughts and calls of tools.
//!
//! [`Tokenizer`] and [`ChatTemplate`] are read from the metadata of a GGUF file, or from [`TokenizerFiles`] of a
//! directory. [`TextStream`] and [`StopStrings`] are for text while it is generated.
//!
//! Opening files is the part of `trine-loader`; which directory is a model, and the model itself, of `trine-model`.
//! Nothing here computes with tensors.
//!
//! ```
//! use trine_text::{EncodeOptions, Tokenizer, VocabularyData};
//!
//! # fn main() -> Result<(), trine_text::TokenizerError> {
//! let tokenizer = Tokenizer::from_data(VocabularyData {
//!     model: "gpt2".to_owned(),
//!     pre: Some("gpt-2".to_owned()),
//!     tokens: ["h", "i", "hi"].map(str::to_owned).to_vec(),
//!     merges: Some(vec!["h i".to_owned()]),
//!     ..VocabularyData::default()
//! })?;
//! assert_eq!(tokenizer.encode("hih", EncodeOptions::PLAIN)?, [2, 0]);
//! assert_eq!(tokenizer.decode(&[2, 0], false)?, "hih");
//! # Ok(())
//! # }
//! ```
#![forbid(unsafe_code)]

mod calls;
mod chat;
mod hf;
mod stop;
mod stream;
mod thoughts;
mod tokenizer;

pub use calls::{CallFormat, CallParser, CallPart, Tool};
pub use chat::{ChatError, ChatTemplate, Message};
pub use hf::TokenizerFiles;
pub use stop::{Released, StopStrings};
pub use stream::TextStream;
pub use thoughts::{Segment, ThoughtParser};
pub use tokenizer::{
    AddedToken, EncodeOptions, Metaspace, NotInGguf, Prepend, SpecialIds, TokenKind, Tokenizer, TokenizerError,
    TokenizerOptions, TokenizerWarning, VocabularyData, known_pre_tokenizers,
};
