//! What is asked of the worker, and what comes back. What does not belong here: how it is done (`thread.rs`).

use crate::error::ApiError;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use trine::model::{Finish, GenerateOptions, Logprobs, SamplerChain};

/// A choice to be generated.
#[derive(Debug)]
pub struct Job {
    /// The tokens to be continued, of which there is at least one.
    pub prompt: Vec<u32>,
    /// How tokens are drawn.
    pub sampler: SamplerChain,
    /// When it ends, and what is told of it.
    pub options: GenerateOptions,
    /// Whether the log-probabilities of the prompt are told, and of how many of the likeliest tokens.
    pub prompt_logprobs: Option<usize>,
    /// Only what was computed for requests of the same salt is used again.
    pub cache_salt: Option<String>,
}

/// Who asks for some choices, and how long they may take.
#[derive(Clone, Debug, Default)]
pub struct Terms {
    /// Requests of one key take turns with those of others.
    pub key: String,
    /// The longest that they may take.
    pub limit: Duration,
    /// Those of a smaller number go first, where the server has priorities.
    pub priority: i32,
}

/// What happens to a choice, in this order. `Done` or `Failed` is the last.
#[derive(Debug)]
pub enum Event {
    /// It waits for its turn.
    Accepted,
    /// Its first step is near. So many tokens of the prompt need not be computed.
    Started {
        /// Tokens.
        cached: usize,
        /// When.
        at: Instant,
    },
    /// The prompt was read. The log-probabilities of its tokens behind the first, where they were asked for.
    Prompt(Vec<Logprobs>),
    /// A token was drawn.
    Token {
        /// The token.
        id: u32,
        /// Text that is complete with it.
        text: String,
        /// Log-probabilities, where they were asked for.
        logprobs: Option<Logprobs>,
        /// Whether it is a part of the text, and not what ended it.
        is_shown: bool,
        /// When.
        at: Instant,
    },
    /// It has ended.
    Done {
        /// Text that was held back.
        text: String,
        /// Why.
        finish: Finish,
        /// When.
        at: Instant,
    },
    /// It cannot go on.
    Failed(ApiError),
}

/// The events of the choices of a request, with the index of each. Where this is dropped, those that have not ended
/// are cancelled.
pub struct Running {
    events: UnboundedReceiver<(usize, Event)>,
    is_gone: Arc<AtomicBool>,
}

/// The other end of [`Running`].
#[derive(Clone, Debug)]
pub struct Reporter {
    events: UnboundedSender<(usize, Event)>,
    is_gone: Arc<AtomicBool>,
}

impl Running {
    /// Both ends.
    pub(super) fn new() -> (Reporter, Running) {
        let (sender, events) = unbounded_channel();
        let is_gone = Arc::<AtomicBool>::default();
        (Reporter { events: sender, is_gone: is_gone.clone() }, Running { events, is_gone })
    }

    /// The next event. Where the worker has stopped there is an error.
    pub fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<(usize, Event)> {
        self.events.poll_recv(cx).map(|event| event.unwrap_or_else(stopped))
    }

    /// The next event.
    pub async fn next(&mut self) -> (usize, Event) {
        self.events.recv().await.unwrap_or_else(stopped)
    }
}

fn stopped() -> (usize, Event) {
    (0, Event::Failed(ApiError::internal("the engine has stopped: the server has to be started again")))
}

impl Drop for Running {
    fn drop(&mut self) {
        self.is_gone.store(true, Ordering::Relaxed);
    }
}

impl fmt::Debug for Running {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Running").finish_non_exhaustive()
    }
}

impl Reporter {
    /// Whether nobody listens any more.
    pub fn is_gone(&self) -> bool {
        self.is_gone.load(Ordering::Relaxed)
    }

    /// Tells an event of a choice.
    pub fn tell(&self, index: usize, event: Event) {
        // Who has gone is found by `is_gone`.
        let _ = self.events.send((index, event));
    }
}
