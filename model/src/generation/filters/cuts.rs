//! What keeps the likeliest tokens: so many, of so much probability together, or each of so much. What does not belong
//! here: changes of logits.

use super::super::candidates::{Candidates, weight};
use super::super::filter::LogitsFilter;
use super::super::sampler::SamplerError;
use crate::network::LogitsRequest;
use std::num::NonZeroUsize;

/// Keeps the `k` highest logits (Fan et al. 2018, Hierarchical Neural Story Generation, section 5.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TopK(NonZeroUsize);

impl TopK {
    /// Keeps so many.
    pub fn new(k: NonZeroUsize) -> TopK {
        TopK(k)
    }
}

impl LogitsFilter for TopK {
    fn request(&self, after: LogitsRequest) -> LogitsRequest {
        after.at_most(self.0)
    }

    fn apply(&mut self, candidates: &mut Candidates, _recent: &[u32]) -> Result<(), SamplerError> {
        // By the vocabulary, not by the candidates: so it is ranked or not whichever logits were left out.
        if self.0.get() < candidates.tokens() {
            candidates.keep_best(self.0.get());
        }
        Ok(())
    }
}

/// Keeps the shortest beginning, likeliest first, whose probabilities add up to `p` or more (nucleus sampling, Holtzman
/// et al. 2020, The Curious Case of Neural Text Degeneration, section 3.1).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TopP(f32);

impl TopP {
    /// Keeps so much; 1 keeps all.
    ///
    /// # Errors
    /// [`SamplerError::Option`] where it is not above 0, up to 1.
    pub fn new(p: f32) -> Result<TopP, SamplerError> {
        if p > 0.0 && p <= 1.0 {
            return Ok(TopP(p));
        }
        Err(SamplerError::Option { option: "top_p", expected: "a number above 0, up to 1", found: p })
    }

    /// Whether it changes nothing.
    pub fn is_neutral(&self) -> bool {
        self.0 == 1.0
    }
}

impl LogitsFilter for TopP {
    /// The best is always kept; of others, the probabilities of all decide.
    fn request(&self, after: LogitsRequest) -> LogitsRequest {
        if after == LogitsRequest::LARGEST { after } else { LogitsRequest::All }
    }

    fn apply(&mut self, candidates: &mut Candidates, _recent: &[u32]) -> Result<(), SamplerError> {
        if self.is_neutral() {
            return Ok(());
        }
        candidates.rank();
        let weights = candidates.weights(1.0);
        let enough = f64::from(self.0) * weights.iter().sum::<f64>();
        let mut mass = 0.0;
        let reaches = |weight: &f64| {
            mass += weight;
            mass >= enough
        };
        let kept = weights.iter().position(reaches).map_or(weights.len(), |last| last + 1);
        candidates.truncate(kept);
        Ok(())
    }
}

/// Keeps tokens with at least the fraction `p` of the highest probability (Nguyen et al. 2024, Turning Up the Heat:
/// Min-p Sampling, section 3).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MinP(f32);

impl MinP {
    /// Keeps those of this fraction; 0 keeps all.
    ///
    /// # Errors
    /// [`SamplerError::Option`] where it is not from 0 to 1.
    pub fn new(p: f32) -> Result<MinP, SamplerError> {
        if (0.0..=1.0).contains(&p) {
            return Ok(MinP(p));
        }
        Err(SamplerError::Option { option: "min_p", expected: "a number from 0 to 1", found: p })
    }

    /// Whether it changes nothing.
    pub fn is_neutral(&self) -> bool {
        self.0 == 0.0
    }
}

impl LogitsFilter for MinP {
    /// Whether a token is kept depends on it and on the best alone.
    fn request(&self, after: LogitsRequest) -> LogitsRequest {
        after.with_largest()
    }

    fn apply(&mut self, candidates: &mut Candidates, _recent: &[u32]) -> Result<(), SamplerError> {
        let least = f64::from(self.0);
        if let Some(best) = candidates.best() {
            candidates.retain(|candidate| weight(candidate.logit, best.logit, 1.0) >= least);
        }
        Ok(())
    }
}
