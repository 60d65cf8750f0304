//! Today's choice of filters as plain numbers, and the chain that they describe. What does not belong here: what a
//! filter does ([`filters`](crate::filters)).
//!
//! The steps and their order are llama.cpp's: logit bias, penalties, top-k, top-p, min-p, temperature. The filters see
//! the distribution before the temperature is applied.

use super::chain::SamplerChain;
use super::filters::{FrequencyPresencePenalty, LogitBias, MinP, RepetitionPenalty, TopK, TopP};
use super::sampler::{Greedy, Multinomial, SamplerError};
use std::num::NonZeroUsize;

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
    /// Taken from the logit of a recent token as often as it occurs among them; 0 changes nothing.
    pub frequency_penalty: f32,
    /// Taken from the logit of a recent token once; 0 changes nothing.
    pub presence_penalty: f32,
    /// How many of the last tokens are recent, for all three penalties; 0 is none.
    pub repetition_window: usize,
    /// Added to the logits of some tokens; minus infinity excludes a token.
    pub logit_bias: Vec<(u32, f32)>,
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
            frequency_penalty: 0.0,
            presence_penalty: 0.0,
            repetition_window: 64,
            logit_bias: Vec::new(),
            seed: 0,
        }
    }
}

impl SamplerOptions {
    /// Always the highest logit.
    pub fn greedy() -> SamplerOptions {
        SamplerOptions { temperature: 0.0, ..SamplerOptions::default() }
    }

    /// As [`SamplerChain::new`]. Every option is checked, also one that another makes idle.
    pub(super) fn into_chain(self) -> Result<SamplerChain, SamplerError> {
        let window = self.repetition_window;
        if !(self.temperature.is_finite() && self.temperature >= 0.0) {
            let expected = "a finite number, 0 or more";
            return Err(SamplerError::Option { option: "temperature", expected, found: self.temperature });
        }
        let bias = LogitBias::new(self.logit_bias)?;
        let repetition = RepetitionPenalty::new(self.repetition_penalty, window)?;
        let occurrence = FrequencyPresencePenalty::new(self.frequency_penalty, self.presence_penalty, window)?;
        let (top_p, min_p) = (TopP::new(self.top_p)?, MinP::new(self.min_p)?);
        let greedy = self.temperature == 0.0;
        let mut chain = if greedy {
            SamplerChain::ending_in(Greedy)
        } else {
            SamplerChain::ending_in(Multinomial::new(self.temperature, self.seed)?)
        };
        if !bias.is_neutral() {
            chain.push(bias);
        }
        if !repetition.is_neutral() {
            chain.push(repetition);
        }
        if !occurrence.is_neutral() {
            chain.push(occurrence);
        }
        // The rest keeps the best, which is all that a greedy choice sees.
        if let Some(k) = NonZeroUsize::new(self.top_k).filter(|_| !greedy) {
            chain.push(TopK::new(k));
        }
        if !greedy && !top_p.is_neutral() {
            chain.push(top_p);
        }
        if !greedy && !min_p.is_neutral() {
            chain.push(min_p);
        }
        Ok(chain)
    }
}
