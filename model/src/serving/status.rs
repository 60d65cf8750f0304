//! Numbers about all requests of a scheduler, for metrics. What does not belong here: single requests (`event.rs`).

use std::time::Duration;

/// What a scheduler has and does, and what it has done so far.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Status {
    /// Sequences that run.
    pub running: usize,
    /// Those of them whose prompt is not complete.
    pub prompting: usize,
    /// Requests that wait.
    pub queued: usize,
    /// Keys of which requests run or wait.
    pub keys: usize,
    /// Pages of keys and values.
    pub pages: PageCounts,
    /// How long a small request would wait.
    pub predicted_wait: Duration,
    /// How long a step should take while tokens are generated.
    pub step_target: Duration,
    /// Whether no more requests are taken.
    pub draining: bool,
    /// What was done so far.
    pub counters: Counters,
    /// The time of steps, by their rows: classes in ascending order.
    pub steps: Vec<StepClass>,
}

/// Where the pages of an engine are. Each holds 256 positions of one sequence; what the delta rule remembers of a
/// sequence counts as several.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct PageCounts {
    /// Pages there may be.
    pub total: usize,
    /// Pages that running sequences have or have reserved, shared ones once.
    pub active: usize,
    /// Pages that no running sequence has and that are kept as they may be of use again. They make room where it is
    /// needed.
    pub cached: usize,
    /// Pages that nobody has.
    pub free: usize,
    /// Pages that neither the scheduler's sequences nor its cache have: those of other sequences of the engine. Where
    /// there are none, this is 0, or pages were lost.
    pub elsewhere: usize,
    /// Bytes of a page.
    pub bytes: usize,
}

/// Counts since the scheduler was made. They never fall.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Counters {
    /// Requests that were taken.
    pub submitted: u64,
    /// Requests that were refused.
    pub refused: u64,
    /// Requests that began.
    pub admitted: u64,
    /// Requests that came to their end.
    pub finished: u64,
    /// Requests that were cancelled while they waited.
    pub cancelled_queued: u64,
    /// Requests that were cancelled while they ran.
    pub cancelled_running: u64,
    /// Requests whose deadline passed.
    pub expired: u64,
    /// Requests that could not go on.
    pub failed: u64,
    /// Tokens of prompts that were computed.
    pub prompt_tokens: u64,
    /// Tokens of prompts that were not computed, as they were before.
    pub cached_tokens: u64,
    /// Tokens that were generated.
    pub generated_tokens: u64,
    /// Beginnings that were looked for among what was computed before.
    pub prefix_lookups: u64,
    /// Lookups that found something.
    pub prefix_hits: u64,
    /// Cached pages that made room.
    pub prefix_evictions: u64,
    /// Steps.
    pub steps: u64,
}

/// Steps of similar numbers of rows.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct StepClass {
    /// Most rows of a step of this class.
    pub rows: usize,
    /// Steps so far.
    pub steps: u64,
    /// The seconds of all of them.
    pub seconds: f64,
    /// What the next one is expected to take, in seconds.
    pub expected: f64,
}

/// What a step did.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct StepReport {
    /// Tokens that went through the model; 0 where there was nothing to do.
    pub rows: usize,
    /// Sequences among them that generate.
    pub decoding: usize,
    /// Tokens of prompts.
    pub prompt_tokens: usize,
    /// Tokens whose logits were computed.
    pub logits: usize,
    /// How long it took.
    pub time: Duration,
}
