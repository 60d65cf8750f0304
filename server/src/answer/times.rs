//! When a request began, began to be computed, had its first token and its last one. What does not belong here: what
//! that is called in an answer (`usage.rs`).
//!
//! The times are those of the engine. An answer may be put together later, when the events of many tokens have come.

use super::usage::{Timings, Usage};
use std::time::{Duration, Instant};

/// The times of a request.
#[derive(Clone, Copy, Debug)]
pub struct Times {
    begun: Instant,
    started: Option<Instant>,
    first_token: Option<Instant>,
    last: Option<Instant>,
}

impl Times {
    /// Of a request that begins at this moment.
    pub fn from(begun: Instant) -> Times {
        Times { begun, started: None, first_token: None, last: None }
    }

    /// A choice began to be computed.
    pub fn started(&mut self, at: Instant) {
        self.started.get_or_insert(at);
    }

    /// A token was drawn, or a choice ended.
    pub fn generated(&mut self, at: Instant) {
        self.first_token.get_or_insert(at);
        self.last = Some(at);
    }

    /// How long each part took.
    pub fn timings(&self, usage: Usage) -> Timings {
        let started = self.started.unwrap_or(self.begun);
        let first = self.first_token.unwrap_or(started);
        let last = self.last.unwrap_or(first);
        let since = |from: Instant, to: Instant| to.checked_duration_since(from).unwrap_or(Duration::ZERO);
        Timings::new(usage, since(self.begun, started), since(started, first), since(first, last))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_those_of_the_events_whenever_they_are_read() {
        let begun = Instant::now();
        let after = |ms: u64| begun + Duration::from_millis(ms);
        let mut times = Times::from(begun);
        let usage = Usage::new(8, 5, 2);
        let expected = |queue, prompt, predicted| {
            Timings::new(
                usage,
                Duration::from_millis(queue),
                Duration::from_millis(prompt),
                Duration::from_millis(predicted),
            )
        };
        assert_eq!(times.timings(usage), expected(0, 0, 0));
        // Two choices: the first event of a kind counts, and the last one of all.
        [5, 25].iter().for_each(|ms| times.started(after(*ms)));
        assert_eq!(times.timings(usage), expected(5, 0, 0));
        [45, 60, 75, 345].iter().for_each(|ms| times.generated(after(*ms)));
        assert_eq!(times.timings(usage), expected(5, 40, 300));
        assert_eq!(times.timings(usage).nanoseconds(), [40_000_000, 300_000_000, 345_000_000]);
    }
}
