//! BitNet b1.58 and Llama transformers over typed tensors.
//!
//! [`Config`] reads a file's description, [`load`] claims its tensors by role, [`Transformer`] is the forward pass,
//! [`KvCache`] its memory, [`Session`] generates.
//!
//! Arithmetic is in `trine-kernels`, reading files in `trine-loader`, text in `trine-text`, whose names are here too
//! ([`Tokenizer`], [`ChatTemplate`]); arguments and printing are in the `trine` command.
#![forbid(unsafe_code)]

mod architecture;
mod cache;
mod config;
mod convert;
mod cost;
mod diff;
mod generate;
mod hf;
pub mod inspect;
mod judge;
mod parallel;
mod part;
mod perplexity;
mod policy;
mod role;
mod rope;
mod sampling;
mod session;
mod source;
mod synthetic;
mod transformer;
mod wanted;
mod weights;

pub use architecture::Architecture;
pub use cache::{KvCache, Step, StepError};
pub use config::{Config, ConfigError};
pub use convert::{Conversion, ConvertError, Converted, HEAD_TYPES, MATRIX_TYPES, convert};
pub use diff::{Difference, KeyDifference, Side, TensorDifference, Values, diff};
pub use generate::{Finish, GenerateError, GenerateOptions, Generated};
pub use hf::{HfDirectory, HfError};
pub use judge::{Judgement, Statistics, judge, usual_rms};
pub use part::Part;
pub use perplexity::{Perplexity, PerplexityError, Windows, perplexity};
pub use policy::{Corrected, Correction, Corrections, PolicyError, sha256};
pub use role::{BlockNorm, Projection, Role};
pub use rope::{RopeConfig, RopeScaling};
pub use sampling::{Sampler, SamplerError, SamplerOptions};
pub use session::{Session, SessionError};
pub use source::{Container, Description, DescriptionError, Encoding, Source, SourceError, SourceTensor, open_model};
pub use synthetic::{Synthetic, SyntheticError};
pub use transformer::{Layer, Linear, Shared, SubNorm, Transformer};
pub use trine_loader::json::{JsonError, JsonProblem};
pub use trine_text::{
    ChatError, ChatTemplate, EncodeOptions, Message, Released, SpecialIds, StopStrings, TextStream, TokenKind,
    Tokenizer, TokenizerError, TokenizerOptions, VocabularyData, known_pre_tokenizers,
};
pub use wanted::Wanted;
pub use weights::{
    KeepTriples, LoadError, LoadOptions, Loaded, MakeShortlist, MakeTriples, Quantize, Requantize, load,
};
