//! One run of a test, and the limits of the machine.

use anyhow::{Context, Result};
use memmap2::MmapMut;
use std::collections::HashMap;
use std::num::NonZeroUsize;
use std::time::{Duration, Instant};
use trine::kernels::{CacheType, PAGE};
use trine::model::{LogitsRequest, Part, State, StatePool, Traced, Transformer};
use trine::ops::Cpu;
use trine::shapes::{Axis, Idx, Model, Vocab};

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
    /// Tokens of several sequences, one of each in a step.
    Batch {
        /// How many sequences.
        sequences: usize,
        /// How many steps.
        steps: usize,
        /// How many tokens of each sequence are in the cache before.
        depth: usize,
    },
}

impl Test {
    /// Tokens that are measured.
    pub fn tokens(self) -> usize {
        match self {
            Test::Prompt { tokens } | Test::Decode { tokens, .. } => tokens,
            Test::Batch { sequences, steps, .. } => sequences * steps,
        }
    }

    /// Sequences that it has.
    pub fn sequences(self) -> usize {
        match self {
            Test::Prompt { .. } | Test::Decode { .. } => 1,
            Test::Batch { sequences, .. } => sequences,
        }
    }

    /// Positions of the cache that each of its sequences takes.
    pub fn positions(self) -> usize {
        match self {
            Test::Prompt { tokens } => tokens,
            Test::Decode { tokens, depth } => depth.saturating_add(tokens),
            Test::Batch { steps, depth, .. } => depth.saturating_add(steps),
        }
    }

    /// Tokens of a sequence that a step takes, and those that are in the cache before the first step.
    fn step(self) -> (usize, usize) {
        match self {
            Test::Prompt { tokens } => (tokens, 0),
            Test::Decode { depth, .. } | Test::Batch { depth, .. } => (1, depth),
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

/// The sequences that tests run on, and the tokens that they are fed.
pub struct Sequences<'m, M: Model> {
    transformer: &'m Transformer<M>,
    cpu: &'m Cpu,
    states: Vec<State<M>>,
    /// Bytes of the keys and values of a position.
    pub position_bytes: usize,
    tokens: Vec<Idx<Vocab<M>>>,
}

impl<'m, M: Model> Sequences<'m, M> {
    /// Empty sequences for the largest of `tests`.
    ///
    /// # Errors
    /// There is not so much memory.
    pub fn new(transformer: &'m Transformer<M>, cpu: &'m Cpu, kv: CacheType, tests: &[Test]) -> Result<Self> {
        let most = |of: fn(Test) -> usize| tests.iter().map(|test| of(*test)).max().unwrap_or(1);
        let (count, positions) = (most(Test::sequences), most(Test::positions));
        let pool = StatePool::for_sequences(transformer, count, positions, kv)?;
        let states = (0..count).map(|_| pool.state(positions)).collect();
        let vocab = Vocab::of(transformer.model);
        let of_vocab = |id| Idx::new(vocab, id).expect("ids are of the vocabulary");
        // Each sequence begins at a token of its own.
        let tokens = ids(positions + count, vocab.len()).into_iter().map(of_vocab).collect();
        let position_bytes = pool.bytes_per_page() / PAGE;
        Ok(Sequences { transformer, cpu, states, position_bytes, tokens })
    }

    /// Runs a test. Its logits are those that `run` needs with its defaults, for a head with a shortlist.
    ///
    /// # Errors
    /// A sequence has too few positions.
    pub fn run(&mut self, test: Test) -> Result<Run> {
        let Sequences { transformer, cpu, ref mut states, ref tokens, .. } = *self;
        let states = &mut states[..test.sequences()];
        let (step, depth) = test.step();
        for (index, state) in states.iter_mut().enumerate() {
            state.rewind(depth);
            while state.len() < depth {
                // Up to a page end, so that a state of the delta rule is kept there.
                let end = depth.min((state.len() / PAGE + 1) * PAGE);
                state.step(&tokens[index..][state.len()..end], |step| transformer.prefill(cpu, step))?;
            }
        }
        let mut parts: HashMap<Part, Duration> = HashMap::new();
        let fork_joins = cpu.fork_joins();
        let started = Instant::now();
        let mut last = started;
        let mut see = |_: Option<usize>, part, _: &[f32]| {
            let now = Instant::now();
            *parts.entry(part).or_default() += now - last;
            last = now;
        };
        let traced = Traced::new(cpu, &mut see);
        for begin in (depth..test.positions()).step_by(step.min(PAGE)) {
            let end = test.positions().min(begin + step.min(PAGE));
            let requests: Vec<_> =
                states.iter_mut().enumerate().map(|(index, state)| (state, &tokens[index..][begin..end])).collect();
            let is_last = end == test.positions() || step == 1;
            State::step_together(requests, |input| match is_last {
                true => drop(transformer.requested_logits(&traced, input, REQUEST)),
                false => transformer.prefill(&traced, input),
            })?;
        }
        Ok(Run { time: started.elapsed(), parts, fork_joins: cpu.fork_joins() - fork_joins })
    }
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
    /// Steps of dot products in a measurement, and of fused products.
    steps: usize,
    fused_steps: usize,
    /// Operations of single precision in a second.
    pub f32_ops: Vec<f64>,
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
        Ok(Limits {
            memory,
            steps: 1 << 12,
            fused_steps: 1 << 12,
            f32_ops: Vec::new(),
            int8_ops: Vec::new(),
            read_bytes: Vec::new(),
            fork_join: Vec::new(),
        })
    }

    /// Measures each limit some more times.
    pub fn measure(&mut self, cpu: &Cpu) {
        let rate = |(count, time): (u64, Duration)| count as f64 / time.as_secs_f64();
        while cpu.time_of_dots(self.steps).1 < DOTS {
            self.steps *= 2;
        }
        while cpu.time_of_fused(self.fused_steps).1 < DOTS {
            self.fused_steps *= 2;
        }
        for _ in 0..SAMPLES {
            self.f32_ops.push(rate(cpu.time_of_fused(self.fused_steps)));
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
        let batch = Test::Batch { sequences: 3, steps: 5, depth: 2 };
        assert_eq!((batch.tokens(), batch.positions(), batch.sequences()), (15, 7, 3));
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
