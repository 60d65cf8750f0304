//! Numbers that are added to the logits of some tokens. What does not belong here: changes that depend on the text
//! (`penalties.rs`).

use super::super::candidates::Candidates;
use super::super::filter::LogitsFilter;
use super::super::sampler::SamplerError;
use crate::network::LogitsRequest;

/// `logit += bias` for some tokens; minus infinity takes a token out. Biases of the same token add up.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LogitBias(Vec<(u32, f32)>);

impl LogitBias {
    /// Tokens and their biases.
    ///
    /// # Errors
    /// [`SamplerError::Option`] where a bias is NaN or plus infinity.
    pub fn new(biases: Vec<(u32, f32)>) -> Result<LogitBias, SamplerError> {
        match biases.iter().find(|(_, bias)| !bias.is_finite() && *bias != f32::NEG_INFINITY) {
            Some(&(_, found)) => Err(SamplerError::Option {
                option: "logit_bias",
                expected: "a finite number, or minus infinity",
                found,
            }),
            None => Ok(LogitBias(biases)),
        }
    }

    /// Whether it changes nothing.
    pub fn is_neutral(&self) -> bool {
        self.0.is_empty()
    }
}

impl LogitsFilter for LogitBias {
    /// A bias above 0 can bring any token in; others push out as many as there are.
    fn request(&self, after: LogitsRequest) -> LogitsRequest {
        if self.0.iter().any(|(_, bias)| *bias > 0.0) { LogitsRequest::All } else { after.with_margin(self.0.len()) }
    }

    /// # Errors
    /// [`SamplerError::BiasedToken`] where the vocabulary has no such token.
    fn apply(&mut self, candidates: &mut Candidates, _recent: &[u32]) -> Result<(), SamplerError> {
        let tokens = candidates.tokens();
        for &(id, bias) in &self.0 {
            if id as usize >= tokens {
                return Err(SamplerError::BiasedToken { id, tokens });
            }
            candidates.adjust(id, |logit| logit + bias);
        }
        Ok(())
    }
}
