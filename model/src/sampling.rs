//! From logits to the next token: penalties, filters, temperature, a draw. Ids are plain; when to stop is `stop.rs`.
//!
//! The steps and their order are llama.cpp's: repetition penalty, top-k, top-p, min-p, temperature. The filters see
//! the distribution before the temperature is applied.

#[cfg(test)]
mod tests;

use std::cmp::Ordering;
use std::collections::BTreeSet;
use std::num::NonZeroUsize;

use crate::wanted::Wanted;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// How tokens are chosen.
#[derive(Clone, Debug, PartialEq)]
pub struct SamplerOptions {
    /// Logits are divided by it before the draw: below 1 the likely become likelier. 0 is greedy: always the highest
    /// logit, the lowest id of equals.
    pub temperature: f32,
    /// Keep the k highest logits; 0 keeps all.
    pub top_k: usize,
    /// Keep the likeliest tokens whose probabilities together reach this; 1 keeps all.
    pub top_p: f32,
    /// Keep tokens with at least this fraction of the highest probability; 0 keeps all.
    pub min_p: f32,
    /// Positive logits of recent tokens are divided by it, others multiplied (CTRL, Keskar et al. 2019, section 4.1);
    /// 1 changes nothing.
    pub repetition_penalty: f32,
    /// How many of the last tokens are recent; 0 is none.
    pub repetition_window: usize,
    /// The draws are a function of it and of the logits.
    pub seed: u64,
}

impl Default for SamplerOptions {
    /// llama.cpp's defaults, with seed 0.
    fn default() -> SamplerOptions {
        SamplerOptions {
            temperature: 0.8,
            top_k: 40,
            top_p: 0.95,
            min_p: 0.05,
            repetition_penalty: 1.0,
            repetition_window: 64,
            seed: 0,
        }
    }
}

impl SamplerOptions {
    /// Always the highest logit.
    pub fn greedy() -> SamplerOptions {
        SamplerOptions { temperature: 0.0, ..SamplerOptions::default() }
    }

    /// The logits that a choice depends on. A penalty can push as many tokens out of the largest as are recent, and one
    /// below 1 can bring any token in.
    pub fn wanted(&self) -> Wanted {
        let kept = if self.temperature == 0.0 { 1 } else { self.top_k };
        let pushed_out = if self.repetition_penalty == 1.0 { 0 } else { self.repetition_window };
        match NonZeroUsize::new(kept) {
            Some(kept) if self.repetition_penalty >= 1.0 => Wanted::Largest(kept.saturating_add(pushed_out)),
            _ => Wanted::All,
        }
    }

    fn check(&self) -> Result<(), SamplerError> {
        let SamplerOptions { temperature, top_p, min_p, repetition_penalty, .. } = *self;
        let error = |option, expected, found| Err(SamplerError::Option { option, expected, found });
        if !(temperature.is_finite() && temperature >= 0.0) {
            return error("temperature", "a finite number, 0 or more", temperature);
        }
        if !(top_p > 0.0 && top_p <= 1.0) {
            return error("top_p", "a number above 0, up to 1", top_p);
        }
        if !(0.0..=1.0).contains(&min_p) {
            return error("min_p", "a number from 0 to 1", min_p);
        }
        if !(repetition_penalty.is_finite() && repetition_penalty > 0.0) {
            return error("repetition_penalty", "a finite number above 0", repetition_penalty);
        }
        Ok(())
    }
}

/// Options or logits that no token can be chosen by.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum SamplerError {
    /// An option out of its range.
    #[error("{option} is {found}: expected {expected}")]
    Option {
        /// Name of the option.
        option: &'static str,
        /// Its range.
        expected: &'static str,
        /// Its value.
        found: f32,
    },
    /// A logit that is NaN or plus infinity, so that the distribution is not defined.
    #[error("the logit of token {id} is {found}: the model's arithmetic failed, so no token can be chosen")]
    BadLogit {
        /// The token.
        id: u32,
        /// Its logit.
        found: f32,
    },
    /// No logits at all, or minus infinity everywhere.
    #[error("none of the {logits} logits is finite: no token can be chosen")]
    NoCandidate {
        /// Number of logits.
        logits: usize,
    },
}

/// A token that may be chosen.
#[derive(Clone, Copy, Debug)]
struct Candidate {
    id: u32,
    logit: f32,
}

/// Higher logits first, lower ids first of equals.
fn by_rank(a: &Candidate, b: &Candidate) -> Ordering {
    b.logit.partial_cmp(&a.logit).unwrap_or(Ordering::Equal).then(a.id.cmp(&b.id))
}

/// Chooses tokens; two samplers with equal options choose equally from equal logits.
#[derive(Clone, Debug)]
pub struct Sampler {
    options: SamplerOptions,
    random: ChaCha8Rng,
    candidates: Vec<Candidate>,
}

impl Sampler {
    /// A sampler at the beginning of its draws.
    ///
    /// # Errors
    /// [`SamplerError::Option`] where an option is out of its range.
    pub fn new(options: SamplerOptions) -> Result<Sampler, SamplerError> {
        options.check()?;
        Ok(Sampler { random: ChaCha8Rng::seed_from_u64(options.seed), options, candidates: Vec::new() })
    }

    /// The options in use.
    pub fn options(&self) -> &SamplerOptions {
        &self.options
    }

    /// The next token, from one logit for each token of the vocabulary. `recent` are the tokens so far, of which the
    /// last `repetition_window` are penalized. A logit of minus infinity excludes its token.
    ///
    /// # Errors
    /// [`SamplerError::BadLogit`] where a logit is NaN or plus infinity; [`SamplerError::NoCandidate`] where no token
    /// is left.
    pub fn sample(&mut self, logits: &[f32], recent: &[u32]) -> Result<u32, SamplerError> {
        self.collect(logits)?;
        self.penalize(recent);
        self.candidates.retain(|candidate| candidate.logit > f32::NEG_INFINITY);
        let best = self.candidates.iter().copied().min_by(by_rank);
        let best = best.ok_or(SamplerError::NoCandidate { logits: logits.len() })?;
        if self.options.temperature == 0.0 {
            return Ok(best.id);
        }
        self.keep_top_k();
        self.keep_top_p(best.logit);
        self.keep_min_p(best.logit);
        Ok(self.draw(best))
    }

    fn collect(&mut self, logits: &[f32]) -> Result<(), SamplerError> {
        self.candidates.clear();
        self.candidates.reserve(logits.len());
        for (id, &logit) in (0u32..).zip(logits) {
            if logit.is_nan() || logit == f32::INFINITY {
                return Err(SamplerError::BadLogit { id, found: logit });
            }
            self.candidates.push(Candidate { id, logit });
        }
        Ok(())
    }

    /// Needs the candidate of every id at its place. Each token counts once, however often it occurred.
    fn penalize(&mut self, recent: &[u32]) {
        let SamplerOptions { repetition_penalty: penalty, repetition_window: window, .. } = self.options;
        if penalty == 1.0 {
            return;
        }
        let recent: BTreeSet<u32> = recent.iter().rev().take(window).copied().collect();
        for id in recent {
            if let Some(Candidate { logit, .. }) = self.candidates.get_mut(id as usize) {
                let penalized = if *logit > 0.0 { *logit / penalty } else { *logit * penalty };
                *logit = penalized.min(f32::MAX);
            }
        }
    }

    fn keep_top_k(&mut self) {
        let k = self.options.top_k;
        if k > 0 && k < self.candidates.len() {
            self.candidates.select_nth_unstable_by(k, by_rank);
            self.candidates.truncate(k);
            self.candidates.sort_unstable_by(by_rank);
        }
    }

    /// Keeps the shortest beginning, likeliest first, whose probabilities add up to `top_p` or more.
    fn keep_top_p(&mut self, best: f32) {
        if self.options.top_p == 1.0 {
            return;
        }
        self.candidates.sort_unstable_by(by_rank);
        let weights: Vec<f64> = self.candidates.iter().map(|candidate| weight(candidate.logit, best, 1.0)).collect();
        let enough = f64::from(self.options.top_p) * weights.iter().sum::<f64>();
        let mut mass = 0.0;
        let reaches = |weight: &f64| {
            mass += weight;
            mass >= enough
        };
        let last = weights.iter().position(reaches).unwrap_or(weights.len() - 1);
        self.candidates.truncate(last + 1);
    }

    fn keep_min_p(&mut self, best: f32) {
        let least = f64::from(self.options.min_p);
        self.candidates.retain(|candidate| weight(candidate.logit, best, 1.0) >= least);
    }

    /// Draws with probability proportional to exp(logit / temperature).
    fn draw(&mut self, best: Candidate) -> u32 {
        let temperature = f64::from(self.options.temperature);
        let weigh = |candidate: &Candidate| weight(candidate.logit, best.logit, temperature);
        let total: f64 = self.candidates.iter().map(weigh).sum();
        let mut left = self.random.random::<f64>() * total;
        let mut chosen = best.id;
        for candidate in &self.candidates {
            let weight = weigh(candidate);
            if weight > 0.0 {
                chosen = candidate.id;
                left -= weight;
                if left < 0.0 {
                    break;
                }
            }
        }
        chosen
    }
}

/// exp((logit - best) / temperature): 1 for the best, never more.
fn weight(logit: f32, best: f32, temperature: f64) -> f64 {
    ((f64::from(logit) - f64::from(best)) / temperature).exp()
}
