//! The sampler of a choice, as its request describes it. What does not belong here: what a filter does.
//!
//! The steps and their order: what may not be drawn, logit bias, repetition penalty, frequency and presence penalties,
//! top-k, top-p, min-p, a draw with the temperature.

use super::filters::{Allowed, GeneratedPenalty, NoSequence, NotYet};
use crate::error::ApiError;
use crate::id;
use crate::request::{Ending, Sampling};
use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use trine::model::filters::{LogitBias, MinP, RepetitionPenalty, TopK, TopP};
use trine::model::{EncodeOptions, Greedy, Multinomial, SamplerChain, SamplerError, Tokenizer};

/// How the samplers of the choices of a request are made.
#[derive(Clone, Copy, Debug)]
pub struct ChoiceSampler<'r> {
    /// How tokens are drawn.
    pub sampling: &'r Sampling,
    /// When texts end.
    pub ending: &'r Ending,
    /// The vocabulary.
    pub tokenizer: &'r Tokenizer,
    /// Where the draws of the first choice start.
    pub seed: u64,
}

/// The seed of a request, which is any where it names none.
pub fn seed_of(sampling: &Sampling) -> u64 {
    sampling.seed.map_or_else(id::random, |seed| seed as u64)
}

impl ChoiceSampler<'_> {
    /// The sampler of a choice: the draws of each are its own.
    ///
    /// # Errors
    /// A text that is not to occur has no tokens.
    pub fn of_choice(&self, choice: usize) -> Result<SamplerChain, ApiError> {
        let wrong = |error: SamplerError| ApiError::bad("invalid_value", error.to_string());
        let Sampling { temperature, top_p, top_k, min_p, .. } = *self.sampling;
        let is_greedy = self.sampling.is_greedy();
        let mut chain = if is_greedy {
            SamplerChain::ending_in(Greedy)
        } else {
            // The odd number spreads neighbours; the first choice has the seed itself.
            let seed = self.seed.wrapping_add((choice as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15));
            SamplerChain::ending_in(Multinomial::new(temperature, seed).map_err(wrong)?)
        };
        self.exclude(&mut chain)?;
        self.weigh(&mut chain).map_err(wrong)?;
        // The rest keeps the best, which is all that a greedy choice sees.
        if let Some(k) = NonZeroUsize::new(top_k).filter(|_| !is_greedy) {
            chain.push(TopK::new(k));
        }
        if !is_greedy && top_p < 1.0 {
            chain.push(TopP::new(top_p).map_err(wrong)?);
        }
        if !is_greedy && min_p > 0.0 {
            chain.push(MinP::new(min_p).map_err(wrong)?);
        }
        Ok(chain)
    }

    fn exclude(&self, chain: &mut SamplerChain) -> Result<(), ApiError> {
        if self.ending.min_tokens > 0 {
            let ids = self.tokenizer.end_of_generation().iter().chain(&self.ending.stop_ids).copied().collect();
            chain.push(NotYet { left: self.ending.min_tokens, ids });
        }
        if let Some(ids) = &self.sampling.allowed {
            chain.push(Allowed::new(ids, self.tokenizer.len()));
        }
        let mut sequences = Vec::new();
        for (at, word) in self.sampling.bad_words.iter().enumerate() {
            // A word within a text begins with a space, or with none.
            for text in [word.clone(), format!(" {word}")] {
                let ids = self.tokenizer.encode(&text, EncodeOptions::PLAIN).map_err(|error| {
                    ApiError::bad("invalid_value", error.to_string()).at(&format!("bad_words[{at}]"))
                })?;
                sequences.push(ids);
            }
        }
        sequences.retain(|sequence| !sequence.is_empty());
        if !sequences.is_empty() {
            chain.push(NoSequence { sequences, generated: Vec::new() });
        }
        Ok(())
    }

    fn weigh(&self, chain: &mut SamplerChain) -> Result<(), SamplerError> {
        let Sampling { frequency_penalty, presence_penalty, repetition_penalty, bias, .. } = self.sampling;
        if !bias.is_empty() {
            chain.push(LogitBias::new(bias.clone())?);
        }
        if *repetition_penalty != 1.0 {
            chain.push(RepetitionPenalty::new(*repetition_penalty, usize::MAX)?);
        }
        if *frequency_penalty != 0.0 || *presence_penalty != 0.0 {
            let (frequency, presence) = (*frequency_penalty, *presence_penalty);
            chain.push(GeneratedPenalty { frequency, presence, counts: BTreeMap::new() });
        }
        Ok(())
    }
}
