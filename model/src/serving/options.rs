//! How a scheduler shares an engine out. What does not belong here: what a single request asks for (`request.rs`).

use super::pace::Limits;
use std::num::NonZeroUsize;
use std::time::Duration;

/// Which of the requests that wait is the next to begin.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Policy {
    /// The first one of the key that has got least.
    #[default]
    Arrival,
    /// The one of the smallest [`priority`](super::GenerationRequest::priority), and among equal ones as by arrival. A
    /// request that waits goes one number down in a minute, so that none waits for ever.
    Priority,
}

/// How a scheduler shares its engine out among requests: `SchedulerOptions { step_target, ..SchedulerOptions::default()
/// }`.
#[derive(Clone, Debug)]
pub struct SchedulerOptions {
    /// Most sequences that take a step together. More requests wait.
    pub max_sequences: NonZeroUsize,
    /// How long a step should take while tokens are generated: the longest gap between two tokens of one text. Prompts
    /// are cut into chunks that keep to it.
    pub step_target: Duration,
    /// How long a step should take while there are prompts alone: the longest time until a request that comes, or one
    /// that is cancelled, is noticed. Larger parts of prompts are a little faster.
    pub prompt_target: Duration,
    /// Most tokens of prompts in a step.
    pub max_chunk: NonZeroUsize,
    /// Most requests that wait. More are refused.
    pub max_queue: usize,
    /// The longest wait that a request is taken for. One that would wait longer is refused.
    pub max_wait: Duration,
    /// Positions for generated tokens that are kept for a request which does not say how many it wants. It gets more
    /// as long as there are free pages.
    pub reserve: usize,
    /// Most sequences of one key that run; more of them wait.
    pub sequences_per_key: Option<NonZeroUsize>,
    /// Most requests of one key that wait; more of them are refused.
    pub queue_per_key: Option<usize>,
    /// Which of them is the next to begin.
    pub policy: Policy,
}

impl Default for SchedulerOptions {
    /// 16 sequences, steps of 100 ms, or of 300 ms where there are prompts alone, chunks of up to 512 tokens, 128
    /// waiting requests and 30 s of waiting, 1,024 reserved positions, no limit for a key, and no priorities.
    fn default() -> Self {
        SchedulerOptions {
            max_sequences: NonZeroUsize::new(16).expect("16"),
            step_target: Duration::from_millis(100),
            prompt_target: Duration::from_millis(300),
            max_chunk: NonZeroUsize::new(512).expect("512"),
            max_queue: 128,
            max_wait: Duration::from_secs(30),
            reserve: 1024,
            sequences_per_key: None,
            queue_per_key: None,
            policy: Policy::Arrival,
        }
    }
}

impl SchedulerOptions {
    pub(super) fn limits(&self) -> Limits {
        let SchedulerOptions { step_target: target, prompt_target, max_chunk, .. } = *self;
        Limits { target, prompt_target, most: max_chunk.get() }
    }
}
