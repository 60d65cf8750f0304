//! What makes tokens that occurred lately less likely. What does not belong here: biases that hold whatever the text is
//! (`bias.rs`).

use super::super::candidates::Candidates;
use super::super::filter::LogitsFilter;
use super::super::sampler::SamplerError;
use crate::network::LogitsRequest;
use std::collections::BTreeMap;

/// How often each of the last `window` tokens occurs among them.
fn counts(recent: &[u32], window: usize) -> BTreeMap<u32, usize> {
    let mut counts = BTreeMap::new();
    recent.iter().rev().take(window).for_each(|&id| *counts.entry(id).or_default() += 1);
    counts
}

/// Positive logits of recent tokens are divided by it, others multiplied, each once however often its token occurred
/// (CTRL, Keskar et al. 2019, section 4.1).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RepetitionPenalty {
    penalty: f32,
    window: usize,
}

impl RepetitionPenalty {
    /// For the last `window` tokens; a penalty of 1 changes nothing.
    ///
    /// # Errors
    /// [`SamplerError::Option`] where the penalty is not a finite number above 0.
    pub fn new(penalty: f32, window: usize) -> Result<RepetitionPenalty, SamplerError> {
        if penalty.is_finite() && penalty > 0.0 {
            return Ok(RepetitionPenalty { penalty, window });
        }
        let expected = "a finite number above 0";
        Err(SamplerError::Option { option: "repetition_penalty", expected, found: penalty })
    }

    /// Whether it changes nothing.
    pub fn is_neutral(&self) -> bool {
        self.penalty == 1.0 || self.window == 0
    }
}

impl LogitsFilter for RepetitionPenalty {
    /// A penalty above 1 can push as many tokens out as are recent, one below 1 can bring any token in.
    fn request(&self, after: LogitsRequest) -> LogitsRequest {
        if self.penalty < 1.0 { LogitsRequest::All } else { after.with_margin(self.window) }
    }

    fn apply(&mut self, candidates: &mut Candidates, recent: &[u32]) -> Result<(), SamplerError> {
        for id in counts(recent, self.window).into_keys() {
            let penalized = |logit: f32| if logit > 0.0 { logit / self.penalty } else { logit * self.penalty };
            candidates.adjust(id, penalized);
        }
        Ok(())
    }
}

/// `logit -= count * frequency + (count > 0) * presence`, where `count` is how often a token occurs among the recent
/// ones. Source: `llama_sampler_penalties_apply` of llama.cpp; OpenAI's API reference has the same formula.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FrequencyPresencePenalty {
    frequency: f32,
    presence: f32,
    window: usize,
}

impl FrequencyPresencePenalty {
    /// For the last `window` tokens; penalties of 0 change nothing, those below 0 make recent tokens likelier.
    ///
    /// # Errors
    /// [`SamplerError::Option`] where a penalty is not finite.
    pub fn new(frequency: f32, presence: f32, window: usize) -> Result<FrequencyPresencePenalty, SamplerError> {
        let both = [("frequency_penalty", frequency), ("presence_penalty", presence)];
        match both.into_iter().find(|(_, penalty)| !penalty.is_finite()) {
            Some((option, found)) => Err(SamplerError::Option { option, expected: "a finite number", found }),
            None => Ok(FrequencyPresencePenalty { frequency, presence, window }),
        }
    }

    /// Whether it changes nothing.
    pub fn is_neutral(&self) -> bool {
        (self.frequency == 0.0 && self.presence == 0.0) || self.window == 0
    }
}

impl LogitsFilter for FrequencyPresencePenalty {
    /// As for [`RepetitionPenalty`], with penalties below 0 for those that can bring any token in.
    fn request(&self, after: LogitsRequest) -> LogitsRequest {
        let raises = self.frequency < 0.0 || self.presence < 0.0;
        if raises { LogitsRequest::All } else { after.with_margin(self.window) }
    }

    fn apply(&mut self, candidates: &mut Candidates, recent: &[u32]) -> Result<(), SamplerError> {
        for (id, count) in counts(recent, self.window) {
            candidates.adjust(id, |logit| logit - (count as f32 * self.frequency + self.presence));
        }
        Ok(())
    }
}
