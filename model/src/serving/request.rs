//! What a scheduler is asked for, and why it refuses. What does not belong here: what it answers (`event.rs`).

use crate::engine::{EngineError, Prompt};
use crate::generation::{GenerateOptions, Sampler};
use std::fmt;
use std::time::Duration;

/// The name of a request in the events of its scheduler. No two requests of a scheduler have the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestId(pub(super) u64);

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "request {}", self.0)
    }
}

/// A text that is to be continued, and for whom.
///
/// What comes of it is a function of the prompt, the sampler and the options alone: neither what else runs nor what was
/// computed before changes a bit of it. Whoever wants several continuations of one prompt submits one request for each,
/// with samplers of different seeds: they compute the prompt once.
pub struct GenerationRequest {
    /// What is continued, of the engine of the scheduler.
    pub prompt: Prompt,
    /// Chooses the tokens: a [`SamplerChain`](crate::SamplerChain), filters of the program's own included, or a sampler
    /// of the program's own.
    pub sampler: Box<dyn Sampler>,
    /// When the text ends and what is reported. The place of `options.max_tokens` is taken by `max_tokens`.
    pub options: GenerateOptions,
    /// Most tokens to generate. `None` is as many as the context and the memory leave.
    pub max_tokens: Option<usize>,
    /// Report the log-probabilities of the tokens of the prompt behind the first, and of so many of the best at each of
    /// their places.
    pub prompt_logprobs: Option<usize>,
    /// Who asks: keys get equal shares of the work.
    pub key: String,
    /// Requests of a smaller number begin before others, where the scheduler has [priorities](super::Policy::Priority).
    pub priority: i32,
    /// What was computed of a beginning is used again by requests of equal salt alone.
    pub cache_salt: Option<String>,
    /// The time of the scheduler's clock at which the request ends, whatever it has got.
    pub deadline: Option<Duration>,
}

impl GenerationRequest {
    /// The continuation of `prompt` in at most 256 tokens, for nobody in particular and without a deadline.
    pub fn new(prompt: Prompt, sampler: impl Sampler + 'static) -> Self {
        let options = GenerateOptions::default();
        GenerationRequest {
            prompt,
            sampler: Box::new(sampler),
            max_tokens: Some(options.max_tokens),
            options,
            prompt_logprobs: None,
            key: String::new(),
            priority: 0,
            cache_salt: None,
            deadline: None,
        }
    }
}

impl fmt::Debug for GenerationRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GenerationRequest")
            .field("prompt", &self.prompt.ids().len())
            .field("max_tokens", &self.max_tokens)
            .field("key", &self.key)
            .finish_non_exhaustive()
    }
}

/// Why a request is not taken.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Refused {
    /// The prompt is of another engine.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// There is no token to continue.
    #[error("the prompt has no token: expected at least one")]
    EmptyPrompt,
    /// More tokens than a sequence may have.
    #[error(
        "the context has {context} positions, and {prompt} tokens of the prompt with {max_tokens} generated ones do \
         not fit: shorten the prompt, or ask for fewer tokens"
    )]
    ContextLength {
        /// Positions of a sequence.
        context: usize,
        /// Tokens of the prompt.
        prompt: usize,
        /// Tokens to generate; 0 where the request does not say how many.
        max_tokens: usize,
    },
    /// More pages than there are at all.
    #[error(
        "the request needs {needed} pages of keys and values and there are {pages}: ask for fewer tokens, or give the \
         engine memory for more sequences"
    )]
    TooLarge {
        /// Pages that the request needs.
        needed: usize,
        /// Pages of the engine.
        pages: usize,
    },
    /// Too many requests wait.
    #[error("{queued} requests wait, which is the limit: ask again in {} s", retry_after.as_secs())]
    QueueFull {
        /// Requests that wait.
        queued: usize,
        /// When it may be worth to ask again: 1 to 60 seconds.
        retry_after: Duration,
    },
    /// The request would wait too long.
    #[error(
        "the request would wait for {:.1} s and the limit is {:.1} s: ask again in {} s",
        predicted.as_secs_f64(), limit.as_secs_f64(), retry_after.as_secs()
    )]
    Busy {
        /// The wait that is expected.
        predicted: Duration,
        /// The longest wait that requests are taken for.
        limit: Duration,
        /// When it may be worth to ask again: 1 to 60 seconds.
        retry_after: Duration,
    },
    /// Too many requests of one key wait.
    #[error("{queued} requests of this key wait, which is the limit: ask again in {} s", retry_after.as_secs())]
    KeyLimit {
        /// Requests of the key that wait.
        queued: usize,
        /// When it may be worth to ask again: 1 to 60 seconds.
        retry_after: Duration,
    },
    /// The scheduler takes no more requests.
    #[error("no more requests are taken, as the program is about to end: ask another one")]
    Draining,
}

impl Refused {
    /// When it may be worth to ask again, where it may.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Refused::QueueFull { retry_after, .. }
            | Refused::Busy { retry_after, .. }
            | Refused::KeyLimit { retry_after, .. } => Some(*retry_after),
            _ => None,
        }
    }
}
