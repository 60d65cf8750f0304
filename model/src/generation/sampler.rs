//! Choosing one of the candidates: the trait that built-in samplers and those of users implement alike, the two that
//! most programs need, and what can go wrong. What does not belong here: what happens to candidates before that
//! (`filter.rs`, `chain.rs`).

use super::candidates::Candidates;
use crate::network::LogitsRequest;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use trine_shapes::NotAnIndex;

/// Chooses a token. A sampler may change the candidates on its way, as a [`SamplerChain`](crate::SamplerChain) does.
pub trait Sampler: Send {
    /// The logits that it has to be given: all, unless a sampler knows better.
    fn request(&self) -> LogitsRequest {
        LogitsRequest::All
    }

    /// The next token. `recent` are the tokens so far, those of the prompt included.
    ///
    /// # Errors
    /// [`SamplerError`] where no token can be chosen.
    fn sample(&mut self, candidates: &mut Candidates, recent: &[u32]) -> Result<u32, SamplerError>;
}

impl<S: Sampler + ?Sized> Sampler for &mut S {
    fn request(&self) -> LogitsRequest {
        (**self).request()
    }

    fn sample(&mut self, candidates: &mut Candidates, recent: &[u32]) -> Result<u32, SamplerError> {
        (**self).sample(candidates, recent)
    }
}

impl<S: Sampler + ?Sized> Sampler for Box<S> {
    fn request(&self) -> LogitsRequest {
        (**self).request()
    }

    fn sample(&mut self, candidates: &mut Candidates, recent: &[u32]) -> Result<u32, SamplerError> {
        (**self).sample(candidates, recent)
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
    /// No logits at all, or none that is finite and passed every filter.
    #[error("of {logits} tokens none has a finite logit and passed the filters: no token can be chosen")]
    NoCandidate {
        /// Number of tokens.
        logits: usize,
    },
    /// A sampler chose an id beyond the vocabulary.
    #[error("the sampler chose a token that the model does not have: {0}")]
    NoToken(NotAnIndex),
    /// A bias of a token that the vocabulary does not have.
    #[error("token {id} has a logit bias, and the vocabulary has {tokens} tokens")]
    BiasedToken {
        /// The token.
        id: u32,
        /// Length of the vocabulary.
        tokens: usize,
    },
    /// A filter or sampler of the program's own cannot go on.
    #[error("{message}")]
    Filter {
        /// One line that says which, and why.
        message: String,
    },
}

impl SamplerError {
    pub(super) fn no_candidate(candidates: &Candidates) -> SamplerError {
        SamplerError::NoCandidate { logits: candidates.tokens() }
    }
}

/// Always the highest logit, the lowest id of equals.
#[derive(Clone, Copy, Debug, Default)]
pub struct Greedy;

impl Sampler for Greedy {
    fn request(&self) -> LogitsRequest {
        LogitsRequest::LARGEST
    }

    fn sample(&mut self, candidates: &mut Candidates, _recent: &[u32]) -> Result<u32, SamplerError> {
        candidates.best().map(|best| best.id).ok_or_else(|| SamplerError::no_candidate(candidates))
    }
}

/// Draws with probability proportional to `exp(logit / temperature)`; the draws are a function of the seed and of the
/// candidates.
#[derive(Clone, Debug)]
pub struct Multinomial {
    temperature: f64,
    random: ChaCha8Rng,
}

impl Multinomial {
    /// At the beginning of the draws of a seed.
    ///
    /// # Errors
    /// [`SamplerError::Option`] where the temperature is not a finite number above 0.
    pub fn new(temperature: f32, seed: u64) -> Result<Multinomial, SamplerError> {
        if temperature.is_finite() && temperature > 0.0 {
            return Ok(Multinomial { temperature: temperature.into(), random: ChaCha8Rng::seed_from_u64(seed) });
        }
        let expected = "a finite number above 0";
        Err(SamplerError::Option { option: "temperature", expected, found: temperature })
    }
}

impl Sampler for Multinomial {
    fn sample(&mut self, candidates: &mut Candidates, _recent: &[u32]) -> Result<u32, SamplerError> {
        let mut chosen = candidates.best().ok_or_else(|| SamplerError::no_candidate(candidates))?.id;
        let weights = candidates.weights(self.temperature);
        let mut left = self.random.random::<f64>() * weights.iter().sum::<f64>();
        for (candidate, weight) in candidates.as_slice().iter().zip(weights) {
            if weight > 0.0 {
                chosen = candidate.id;
                left -= weight;
                if left < 0.0 {
                    break;
                }
            }
        }
        Ok(chosen)
    }
}
