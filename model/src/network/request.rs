//! Which logits of a step are asked for. What belongs here: the request, and how requests combine. What does not:
//! logits themselves (`logits.rs`).

use std::num::NonZeroUsize;

/// The logits that a step computes for its last position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LogitsRequest {
    /// Those of every token.
    All,
    /// So many of the largest, and those equal to the last of them. A transformer with a shortlist leaves most others
    /// out; one without computes them all.
    Largest(NonZeroUsize),
}

impl LogitsRequest {
    /// The largest logit, and those equal to it.
    pub const LARGEST: LogitsRequest = LogitsRequest::Largest(NonZeroUsize::MIN);

    /// As many more of the largest: where that many tokens may fall behind others.
    #[must_use]
    pub fn with_margin(self, more: usize) -> LogitsRequest {
        match self {
            LogitsRequest::Largest(count) => LogitsRequest::Largest(count.saturating_add(more)),
            LogitsRequest::All => LogitsRequest::All,
        }
    }

    /// At most `count` of the largest: where no more are kept.
    #[must_use]
    pub fn at_most(self, count: NonZeroUsize) -> LogitsRequest {
        match self {
            LogitsRequest::Largest(asked) => LogitsRequest::Largest(asked.min(count)),
            LogitsRequest::All => LogitsRequest::Largest(count),
        }
    }
}
