//! Temperature, for filters after it that should see the distribution that it makes. What does not belong here: that of
//! a draw ([`Multinomial`](crate::Multinomial)), which rounds nothing.

use super::super::candidates::Candidates;
use super::super::filter::LogitsFilter;
use super::super::sampler::SamplerError;
use crate::network::LogitsRequest;

/// `logit /= temperature`: below 1 the likely become likelier. In llama.cpp and in the chain that options describe the
/// temperature comes last and is [`Multinomial`](crate::Multinomial)'s; HF transformers put it before top-k and top-p,
/// which is what this filter is for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Temperature(f32);

impl Temperature {
    /// A temperature; 1 changes nothing. For 0, greedy, there is [`Greedy`](crate::Greedy).
    ///
    /// # Errors
    /// [`SamplerError::Option`] where it is not a finite number above 0.
    pub fn new(temperature: f32) -> Result<Temperature, SamplerError> {
        if temperature.is_finite() && temperature > 0.0 {
            return Ok(Temperature(temperature));
        }
        let expected = "a finite number above 0";
        Err(SamplerError::Option { option: "temperature", expected, found: temperature })
    }
}

impl LogitsFilter for Temperature {
    /// All: rounded, logits that differ can become equal, and then the id decides.
    fn request(&self, _after: LogitsRequest) -> LogitsRequest {
        LogitsRequest::All
    }

    fn apply(&mut self, candidates: &mut Candidates, _recent: &[u32]) -> Result<(), SamplerError> {
        candidates.map(|candidate| candidate.logit / self.0);
        Ok(())
    }
}
