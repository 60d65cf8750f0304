//! What can go wrong with an engine, as one line.

use super::prompt::EngineId;
use super::saved::SavedError;
use crate::description::ConfigError;
use crate::files::SourceError;
use crate::generation::{GenerateError, SamplerError, WrongTokenizer};
use crate::network::StepError;
use crate::weights::LoadError;
use trine_kernels::{CacheFull, CpuError};
use trine_loader::GgufError;
use trine_shapes::NotAnIndex;
use trine_text::{ChatError, TokenizerError};

/// A model that cannot be opened, or something that an engine refuses.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EngineError {
    /// The path leads to no model.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// The bytes are no GGUF file.
    #[error(transparent)]
    Gguf(#[from] GgufError),
    /// The file describes no model that can be run.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// Its tensors are not those of the model.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// It has no usable vocabulary, or a text cannot be expressed.
    #[error(transparent)]
    Tokenizer(#[from] TokenizerError),
    /// The threads cannot be started.
    #[error(transparent)]
    Cpu(#[from] CpuError),
    /// There is no memory for as many sequences.
    #[error(transparent)]
    Memory(#[from] CacheFull),
    /// More positions than the model has.
    #[error("a context of {asked} positions is asked for, and the model has {context}")]
    Context {
        /// Positions asked for.
        asked: usize,
        /// Positions that the model was trained for.
        context: usize,
    },
    /// An id beyond the vocabulary.
    #[error(transparent)]
    Token(#[from] NotAnIndex),
    /// A prompt, a token or a sequence of another engine.
    #[error("this is of {found}, expected {expected}: encode the text with the engine that is to read it")]
    OtherEngine {
        /// The engine that was asked.
        expected: EngineId,
        /// The engine that it is of.
        found: EngineId,
    },
    /// A conversation for a model without a chat template.
    #[error("{engine} has no chat template: {why}")]
    NoTemplate {
        /// The engine.
        engine: EngineId,
        /// What its file lacks.
        why: String,
    },
    /// The chat template refuses the conversation.
    #[error(transparent)]
    Chat(#[from] ChatError),
    /// The options of a sampler are out of their range.
    #[error(transparent)]
    Sampler(#[from] SamplerError),
    /// The tokenizer is not that of the model.
    #[error(transparent)]
    WrongTokenizer(#[from] WrongTokenizer),
    /// Tokens cannot be appended.
    #[error(transparent)]
    Session(#[from] StepError),
    /// Bytes that are no sequence of the engine.
    #[error(transparent)]
    Saved(#[from] SavedError),
    /// A generation cannot go on.
    #[error(transparent)]
    Generate(#[from] GenerateError),
}
