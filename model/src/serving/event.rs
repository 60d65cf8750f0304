//! What a scheduler tells of its requests. What does not belong here: numbers about all of them (`status.rs`).

use super::request::RequestId;
use crate::engine::EngineError;
use crate::generation::{Finish, GenerationError, Logprobs};
use std::sync::Arc;
use std::time::Duration;

/// Something that happened to a request. Its last event is [`EventKind::Done`].
#[derive(Debug)]
#[non_exhaustive]
pub struct Event {
    /// Which request.
    pub request: RequestId,
    /// What happened.
    pub kind: EventKind,
}

/// What can happen to a request.
#[derive(Debug)]
#[non_exhaustive]
pub enum EventKind {
    /// It has got its memory and begins.
    Admitted {
        /// Tokens of the prompt that need not be computed, as they were before.
        cached: usize,
    },
    /// A part of its prompt was computed.
    Prompt {
        /// Tokens of the prompt so far, cached ones included.
        done: usize,
        /// Tokens of the prompt.
        of: usize,
        /// Log-probabilities of the next tokens of the prompt, where they are asked for. Those of all events together
        /// are of all its tokens behind the first.
        logprobs: Vec<Logprobs>,
    },
    /// A token was chosen, or the text ended and some of it was held back.
    Token {
        /// The token; none where the chosen one ended the text.
        token: Option<u32>,
        /// Text that is complete now; often none.
        text: String,
        /// Log-probabilities of the chosen token, where they are asked for.
        logprobs: Option<Logprobs>,
    },
    /// It has ended. What was held back of its text was in the event before.
    Done {
        /// Why.
        end: End,
        /// What it took.
        usage: Usage,
    },
}

/// Why a request ended.
#[derive(Debug)]
#[non_exhaustive]
pub enum End {
    /// The text is complete, or as long as was asked for or as memory allows.
    Finished(Finish),
    /// Somebody called [`Scheduler::cancel`](super::Scheduler::cancel).
    Cancelled,
    /// Its deadline has passed.
    Expired,
    /// It waited when the scheduler was told to take no more requests.
    Draining,
    /// It cannot go on; others are not concerned.
    Failed(RequestError),
}

/// What can go wrong with one request.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RequestError {
    /// The model could not take a step, which is an error of all its sequences.
    #[error("{0}")]
    Step(Arc<EngineError>),
    /// No token can be chosen, or it has no text.
    #[error(transparent)]
    Generation(#[from] GenerationError),
    /// A sampler or a filter of the request panicked.
    #[error("the sampler or a filter of the request panicked: {message}")]
    Panic {
        /// What it said.
        message: String,
    },
}

/// What a request took.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Usage {
    /// Tokens of the prompt.
    pub prompt_tokens: usize,
    /// Tokens of the prompt that were not computed, as they were before.
    pub cached_tokens: usize,
    /// Tokens that were generated, without one that ended the text.
    pub generated_tokens: usize,
    /// The time until it was admitted.
    pub queued: Duration,
    /// The time until its first token was chosen, where one was.
    pub first_token: Option<Duration>,
    /// The time until it ended.
    pub total: Duration,
}
