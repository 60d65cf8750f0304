//! One run of a test, and the limits of the machine.

use anyhow::{Context, Result};
use memmap2::MmapMut;
use std::collections::HashMap;
use std::num::NonZeroUsize;
use std::time::{Duration, Instant};
use trine::model::{LogitsRequest, Part, Session};
use trine::ops::Cpu;
use trine::shapes::{Idx, Model, Vocab};

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Test {
    /// Tokens that are processed together.
    Prompt {
        /// How many.
        tokens: usize,
    },
    /// Tokens that are processed one after the other.
    Decode {
        /// How many.
        tokens: usize,
        /// How many others are in the cache before.
        depth: usize,
    },
}

impl Test {
    /// Tokens that are measured.
    pub fn tokens(self) -> usize {
        match self {
            Test::Prompt { tokens } | Test::Decode { tokens, .. } => tokens,
        }
    }

    /// Positions of the cache that it takes.
    pub fn positions(self) -> usize {
        match self {
            Test::Prompt { tokens } => tokens,
            Test::Decode { tokens, depth } => depth.saturating_add(tokens),
        }
    }
}

/// What a run of a test took.
pub struct Run {
    /// All of it.
    pub time: Duration,
    /// Each part, in all blocks and steps together.
    pub parts: HashMap<Part, Duration>,
    /// How often work was handed over to the threads.
    pub fork_joins: u64,
}

/// The logits that `run` needs with its defaults, for a head with a shortlist.
const REQUEST: LogitsRequest = LogitsRequest::Largest(NonZeroUsize::new(40).expect("not zero"));

/// Ids that repeat no pattern.
pub fn ids(count: usize, vocab: usize) -> Vec<u32> {
    (0..count as u32).map(|index| (index.wrapping_mul(0x9e37_79b9) >> 3) % vocab as u32).collect()
}

/// Runs a test on the first of `tokens`.
///
/// # Errors
/// The session has too few positions.
pub fn run<M: Model>(test: Test, session: &mut Session<M>, cpu: &Cpu, tokens: &[Idx<Vocab<M>>]) -> Result<Run> {
    let (depth, step) = match test {
        Test::Prompt { tokens } => (0, tokens),
        Test::Decode { depth, .. } => (depth, 1),
    };
    let known = session.rewind(&tokens[..=depth]);
    if known < depth {
        session.feed(&tokens[known..depth])?;
    }
    let mut parts: HashMap<Part, Duration> = HashMap::new();
    let fork_joins = cpu.fork_joins();
    let started = Instant::now();
    let mut last = started;
    for tokens in tokens[depth..test.positions()].chunks(step) {
        session.feed_watched(tokens, REQUEST, &mut |_, part, _| {
            let now = Instant::now();
            *parts.entry(part).or_default() += now - last;
            last = now;
        })?;
    }
    Ok(Run { time: started.elapsed(), parts, fork_joins: cpu.fork_joins() - fork_joins })
}

/// Bytes that are read to measure the bandwidth: several times what caches hold.
const MEMORY: usize = 1 << 29;
/// A measurement of dot products takes at least so long, so that threads that start late do not count.
const DOTS: Duration = Duration::from_millis(10);
/// Measurements of each limit at a time.
const SAMPLES: usize = 3;

/// Measurements of what the machine can do at most.
pub struct Limits {
    memory: MmapMut,
    /// Steps of dot products in a measurement.
    steps: usize,
    /// Operations of integer dot products in a second.
    pub int8_ops: Vec<f64>,
    /// Bytes read in a second.
    pub read_bytes: Vec<f64>,
    /// Seconds of a fork-join to all threads.
    pub fork_join: Vec<f64>,
}

impl Limits {
    /// Nothing measured yet.
    ///
    /// # Errors
    /// There is not so much memory.
    pub fn new() -> Result<Limits> {
        let mut memory = MmapMut::map_anon(MEMORY).context("no memory to measure its bandwidth")?;
        #[cfg(target_os = "linux")]
        {
            // Where the system has no huge pages, small ones do.
            let _ = memory.advise(memmap2::Advice::HugePage);
        }
        memory.fill(1);
        Ok(Limits { memory, steps: 1 << 12, int8_ops: Vec::new(), read_bytes: Vec::new(), fork_join: Vec::new() })
    }

    /// Measures each limit some more times.
    pub fn measure(&mut self, cpu: &Cpu) {
        let rate = |(count, time): (u64, Duration)| count as f64 / time.as_secs_f64();
        while cpu.time_of_dots(self.steps).1 < DOTS {
            self.steps *= 2;
        }
        for _ in 0..SAMPLES {
            self.int8_ops.push(rate(cpu.time_of_dots(self.steps)));
            self.read_bytes.push(rate(cpu.time_of_reads(&self.memory)));
            self.fork_join.push(cpu.time_of_fork_join().as_secs_f64());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tests_take_positions() {
        let decode = Test::Decode { tokens: 64, depth: 100 };
        assert_eq!((decode.tokens(), decode.positions()), (64, 164));
        assert_eq!(Test::Prompt { tokens: 7 }.positions(), 7);
    }

    #[test]
    fn ids_are_of_the_vocabulary_and_differ() {
        let mut ids = ids(500, 1000);
        assert!(ids.iter().all(|&id| id < 1000));
        ids.sort_unstable();
        ids.dedup();
        assert!(ids.len() > 300, "{}", ids.len());
    }
}
