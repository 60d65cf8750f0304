//! BitNet b1.58 and Llama transformers over typed tensors.
//!
//! [`Config`] reads a file's description, [`load`] claims its tensors by role, [`Transformer`] is the forward pass,
//! [`KvCache`] its memory, [`Tokenizer`] turns text into ids, [`Session`] generates.
//!
//! Arithmetic is in `trine-kernels`, reading files in `trine-loader`, arguments and printing in the `trine` command.
#![forbid(unsafe_code)]

mod architecture;
mod cache;
mod chat;
mod config;
mod convert;
mod cost;
mod diff;
mod generation;
mod hf;
pub mod inspect;
mod judge;
mod parallel;
mod part;
mod perplexity;
mod policy;
mod role;
mod rope;
mod session;
mod source;
mod stop;
mod synthetic;
mod tokenizer;
mod transformer;
mod weights;

pub use architecture::Architecture;
pub use cache::{KvCache, Step, StepError};
pub use chat::{ChatError, ChatTemplate, Message};
pub use config::{Config, ConfigError};
pub use convert::{Conversion, ConvertError, Converted, HEAD_TYPES, MATRIX_TYPES, convert};
pub use diff::{Difference, KeyDifference, Side, TensorDifference, Values, diff};
pub use generation::{
    Candidate, Candidates, Finish, GenerateError, GenerateOptions, Generated, Generation, GenerationError,
    GenerationStep, GenerationStream, Greedy, Logits, LogitsError, LogitsFilter, LogitsRequest, Logprobs, Multinomial,
    Next, Sampler, SamplerChain, SamplerError, SamplerOptions, TokenLogprob, filters,
};
pub use hf::{HfDirectory, HfError, JsonError, JsonProblem};
pub use judge::{Judgement, Statistics, judge, usual_rms};
pub use part::Part;
pub use perplexity::{Perplexity, PerplexityError, Windows, perplexity};
pub use policy::{Corrected, Correction, Corrections, PolicyError, sha256};
pub use role::{BlockNorm, Projection, Role};
pub use rope::{RopeConfig, RopeScaling};
pub use session::{Session, SessionError};
pub use source::{Container, Description, DescriptionError, Encoding, Source, SourceError, SourceTensor, open_model};
pub use stop::{Released, StopStrings};
pub use synthetic::{Synthetic, SyntheticError};
pub use tokenizer::{
    EncodeOptions, SpecialIds, TextStream, TokenKind, Tokenizer, TokenizerError, TokenizerOptions, VocabularyData,
    known_pre_tokenizers,
};
pub use transformer::{Layer, Linear, Shared, SubNorm, Transformer};
pub use weights::{
    KeepTriples, LoadError, LoadOptions, Loaded, MakeShortlist, MakeTriples, Quantize, Requantize, load,
};
