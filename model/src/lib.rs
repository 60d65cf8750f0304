//! BitNet b1.58 and Llama transformers over typed tensors.
//!
//! [`Config`] reads a file's description, [`load`] claims its tensors by role, [`Transformer`] is the forward pass,
//! [`KvCache`] its memory, [`Session`] generates.
//!
//! The rooms are `description` (what a model is), `files` (what it is loaded from), `weights`, `network` (the forward
//! pass and its state), `generation`, `engine`, `serving` and `tools`; their names
//! are here.
//!
//! Arithmetic is in `trine-kernels`, reading files in `trine-loader`, text in `trine-text`, whose names are here too
//! ([`Tokenizer`], [`ChatTemplate`]); arguments and printing are in the `trine` command.
#![forbid(unsafe_code)]
// What tools and directories alone need of the other rooms stays where it belongs.
#![cfg_attr(not(feature = "tools"), allow(dead_code, unused_imports))]

mod description;
#[cfg(feature = "text")]
mod engine;
mod files;
mod generation;
mod network;
mod parallel;
#[cfg(feature = "text")]
mod serving;
#[cfg(feature = "tools")]
mod tools;
mod warning;
mod weights;

pub use description::{
    Architecture, Biases, BlockNorm, BlockNumbers, Config, ConfigError, ConfigProblem, Folding, Graph, Layers,
    LongRope, MixerKind, MixerOrder, Presence, Projection, QkNorm, Role, RopeConfig, RopeFactors, RopeScaling,
    ScaledBy, Scales, Sliding, SlidingOrder, Yarn, schema,
};
#[cfg(feature = "text")]
pub use engine::{
    Engine, EngineError, EngineId, EngineLogits, EngineOptions, Opened, Piece, Pieces, Prompt, SavedError, Sequence,
    Token, Visit,
};
#[cfg(feature = "tools")]
pub use files::sha256;
pub use files::{Advice, Container, Encoding, Source, SourceError, SourceTensor, Words, open_model};
#[cfg(feature = "text")]
pub use files::{Description, DescriptionError, HfDirectory, HfError};
pub use generation::Session;
#[cfg(feature = "text")]
pub use generation::{
    Candidate, Candidates, Draft, Finish, ForModel, GenerateError, GenerateOptions, Generated, Generation,
    GenerationError, GenerationStep, GenerationStream, Greedy, Guess, Guesses, LogitsFilter, Logprobs, ModelTokenizer,
    Multinomial, Next, Sampler, SamplerChain, SamplerError, SamplerOptions, TokenLogprob, WrongTokenizer, filters,
};
pub use network::{
    Attention, Block, DeltaNet, FeedForward, KvCache, Linear, Logits, LogitsError, LogitsRequest, Mixer,
    MixtureOfExperts, Ops, Part, QkNorms, Queries, Reach, State, StatePool, StepError, StepInput, SubNorm, SwiGlu,
    TokenLogits, TokenSet, Traced, Transformer,
};
#[cfg(feature = "text")]
pub use serving::{
    Clock, Counters, End, Event, EventKind, GenerationRequest, ManualClock, PageCounts, Policy, Refused, RequestError,
    RequestId, Scheduler, SchedulerOptions, Status, StepClass, StepReport, SystemClock, Usage,
};
#[cfg(feature = "tools")]
pub use tools::{
    Conversion, ConvertError, ConvertProblem, Converted, Difference, Elsewhere, HEAD_TYPES, Judgement, KeyDifference,
    MATRIX_TYPES, PartValues, Perplexity, PerplexityError, Side, Statistics, Synthetic, SyntheticError,
    TensorDifference, TrialError, Values, Windows, convert, diff, elsewhere, inspect, judge, perplexity, trace, trial,
    usual_rms,
};
pub use trine_loader::json::{JsonError, JsonProblem};
#[cfg(feature = "text")]
pub use trine_text::{
    AddedToken, ChatError, ChatTemplate, EncodeOptions, Message, Metaspace, NotInGguf, Prepend, Released, SpecialIds,
    StopStrings, TextStream, TokenKind, Tokenizer, TokenizerError, TokenizerOptions, TokenizerWarning, VocabularyData,
    known_pre_tokenizers,
};
pub use warning::{NoTriples, Warning};
#[cfg(feature = "text")]
pub use weights::{Adapter, AdapterError};
pub use weights::{
    Corrected, Correction, Corrections, FromTensor, GroupSize, KeepTriples, LoadError, LoadOptions, LoadProblem,
    Loaded, MakeShortlist, Parameter, Parameters, PolicyError, PolicyProblem, Quantize, Requantize, load,
};
