//! How long a request would wait. What belongs here: what follows from what runs and waits. What does not: how fast the
//! machine is (`pace.rs`).

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Duration;

/// What is before a new request.
#[derive(Clone, Debug)]
pub(super) struct Load {
    /// Sequences that can run together.
    pub seats: usize,
    /// Steps that each running sequence has left.
    pub running: Vec<usize>,
    /// Steps of each waiting request.
    pub queued: Vec<usize>,
    /// Tokens of prompts that are to be computed.
    pub prompt_tokens: usize,
    /// Tokens of prompts a second.
    pub prompt_rate: f64,
    /// Seconds of a step in which all seats are taken.
    pub step: f64,
}

impl Load {
    /// The time until a new request has a seat and the prompts before it are computed: each waiting request takes the
    /// seat that is free first.
    pub fn wait(&self) -> Duration {
        let mut seats: BinaryHeap<Reverse<usize>> = self.running.iter().map(|&left| Reverse(left)).collect();
        seats.extend((seats.len()..self.seats).map(|_| Reverse(0)));
        for steps in &self.queued {
            if let Some(mut seat) = seats.peek_mut() {
                seat.0 = seat.0.saturating_add(*steps);
            }
        }
        let steps = seats.peek().map_or(0, |seat| seat.0);
        let seconds = steps as f64 * self.step + self.prompt_tokens as f64 / self.prompt_rate;
        Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load() -> Load {
        let queued = vec![10, 10, 10];
        Load { seats: 3, running: vec![5, 40], queued, prompt_tokens: 0, prompt_rate: 100.0, step: 0.5 }
    }

    #[test]
    fn each_takes_the_seat_that_is_free_first() {
        // Seats are free after 5, 40 and 0 steps, then 5, 40, 10, then 15, 40, 10, then 15, 40, 20.
        assert_eq!(load().wait(), Duration::from_millis(7500));
        assert_eq!(Load { queued: Vec::new(), ..load() }.wait(), Duration::ZERO);
        assert_eq!(Load { seats: 2, queued: Vec::new(), ..load() }.wait(), Duration::from_millis(2500));
        assert_eq!(Load { prompt_tokens: 250, ..load() }.wait(), Duration::from_secs(10));
        assert_eq!(Load { seats: 0, running: Vec::new(), ..load() }.wait(), Duration::ZERO);
        assert_eq!(Load { prompt_tokens: 1, prompt_rate: 0.0, ..load() }.wait(), Duration::MAX);
    }
}
