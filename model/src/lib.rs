//! BitNet b1.58 and Llama transformers over typed tensors.
//!
//! [`Config`] reads a file's description, [`load`] claims its tensors by role, [`Transformer`] is the forward pass,
//! [`KvCache`] its memory, [`Session`] generates.
//!
//! Arithmetic is in `trine-kernels`, reading files in `trine-loader`, text in `trine-text`, whose names are here too
//! ([`Tokenizer`], [`ChatTemplate`]); arguments and printing are in the `trine` command.
#![forbid(unsafe_code)]

mod architecture;
mod config;
mod convert;
mod diff;
mod engine;
mod generation;
mod graph;
mod hf;
pub mod inspect;
mod judge;
mod network;
mod parallel;
mod perplexity;
mod policy;
mod role;
mod rope;
pub mod schema;
mod session;
mod source;
mod synthetic;
mod weights;

pub use architecture::Architecture;
pub use config::{Config, ConfigError};
pub use convert::{Conversion, ConvertError, Converted, HEAD_TYPES, MATRIX_TYPES, convert};
pub use diff::{Difference, KeyDifference, Side, TensorDifference, Values, diff};
pub use engine::{Engine, EngineError, EngineId, EngineOptions, Opened, Piece, Pieces, Prompt, Sequence, Token, Visit};
pub use generation::{
    Candidate, Candidates, Finish, GenerateError, GenerateOptions, Generated, Generation, GenerationError,
    GenerationStep, GenerationStream, Greedy, Logits, LogitsError, LogitsFilter, LogitsRequest, Logprobs, Multinomial,
    Next, Sampler, SamplerChain, SamplerError, SamplerOptions, TokenLogprob, filters,
};
pub use graph::{Biases, Graph, Presence, QkNorm};
pub use hf::{HfDirectory, HfError};
pub use judge::{Judgement, Statistics, judge, usual_rms};
pub use network::{
    Attention, Block, FeedForward, KvCache, Linear, Mixer, Ops, Part, QkNorms, State, StatePool, StepError, StepInput,
    SubNorm, SwiGlu, Traced, Transformer,
};
pub use perplexity::{Perplexity, PerplexityError, Windows, perplexity};
pub use policy::{Corrected, Correction, Corrections, PolicyError, sha256};
pub use role::Role;
pub use rope::{RopeConfig, RopeScaling, Yarn};
pub use schema::{BlockNorm, Projection};
pub use session::{Session, SessionError};
pub use source::{Container, Description, DescriptionError, Encoding, Source, SourceError, SourceTensor, open_model};
pub use synthetic::{Synthetic, SyntheticError};
pub use trine_loader::json::{JsonError, JsonProblem};
pub use trine_text::{
    ChatError, ChatTemplate, EncodeOptions, Message, Released, SpecialIds, StopStrings, TextStream, TokenKind,
    Tokenizer, TokenizerError, TokenizerOptions, VocabularyData, known_pre_tokenizers,
};
pub use weights::{KeepTriples, LoadError, LoadOptions, Loaded, MakeShortlist, Quantize, Requantize, load};
