//! What time it is: a trait, so that tests decide it. What belongs here: clocks. What does not: what is timed.

use std::sync::Mutex;
use std::time::{Duration, Instant};

/// Tells the time since some beginning of its own. It never goes back.
pub trait Clock: Send + Sync {
    /// The time since the beginning.
    fn now(&self) -> Duration;
}

/// The clock of the system, from the moment when it was made.
#[derive(Clone, Copy, Debug)]
pub struct SystemClock(Instant);

impl Default for SystemClock {
    fn default() -> Self {
        SystemClock(Instant::now())
    }
}

impl Clock for SystemClock {
    fn now(&self) -> Duration {
        self.0.elapsed()
    }
}

/// A clock that stands still until it is told to go on: for tests.
#[derive(Debug, Default)]
pub struct ManualClock(Mutex<Duration>);

impl ManualClock {
    /// Goes on by so much.
    pub fn advance(&self, by: Duration) {
        let mut now = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        *now = now.saturating_add(by);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Duration {
        *self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}
