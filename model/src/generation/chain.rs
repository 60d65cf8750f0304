//! Filters and a sampler in a row. What belongs here: their order, and what they ask for together. What does not: the
//! row that options describe (`options.rs`).

use super::candidates::Candidates;
use super::filter::LogitsFilter;
use super::ids::ids;
use super::options::SamplerOptions;
use super::sampler::{Sampler, SamplerError};
use crate::network::{Logits, LogitsRequest};
use trine_shapes::{Axis, Idx};

/// Filters, each of which changes the candidates that the one before it left, and the sampler that chooses from the
/// last ones. Two chains made from equal parts choose equally from equal logits.
///
/// ```
/// use trine_model::filters::{MinP, Temperature};
/// use trine_model::{Logits, Multinomial, SamplerChain};
/// use trine_shapes::{Fixed, Tensor};
///
/// let mut chain = SamplerChain::ending_in(Multinomial::new(1.0, 7)?);
/// chain.push(Temperature::new(0.7)?).push(MinP::new(0.5)?);
/// let logits = Logits::dense(Tensor::from_data((Fixed::<3>,), [1.0, 9.0, 2.0]));
/// assert_eq!(chain.choose(&logits, &[])?.get(), 1);
/// # Ok::<(), trine_model::SamplerError>(())
/// ```
pub struct SamplerChain {
    filters: Vec<Box<dyn LogitsFilter>>,
    last: Box<dyn Sampler>,
}

impl SamplerChain {
    /// The next token: what the chain chooses from logits behind the tokens `recent`.
    ///
    /// # Errors
    /// [`SamplerError`] where no token can be chosen.
    pub fn choose<V: Axis>(&mut self, logits: &Logits<V>, recent: &[Idx<V>]) -> Result<Idx<V>, SamplerError> {
        let id = self.sample(&mut Candidates::new(logits)?, &ids(recent))?;
        Idx::new(logits.vocab(), id).map_err(SamplerError::NoToken)
    }

    /// The chain that the options describe, at the beginning of its draws: logit bias, repetition penalty, frequency
    /// and presence penalties, top-k, top-p, min-p, and a draw with the temperature. What changes nothing is left out.
    ///
    /// # Errors
    /// [`SamplerError::Option`] where an option is out of its range.
    pub fn new(options: SamplerOptions) -> Result<SamplerChain, SamplerError> {
        options.into_chain()
    }

    /// Always the highest logit.
    pub fn greedy() -> SamplerChain {
        SamplerChain::ending_in(super::sampler::Greedy)
    }

    /// A chain without filters.
    pub fn ending_in(sampler: impl Sampler + 'static) -> SamplerChain {
        SamplerChain { filters: Vec::new(), last: Box::new(sampler) }
    }

    /// Puts a filter behind the others: it sees the candidates that they left.
    pub fn push(&mut self, filter: impl LogitsFilter + 'static) -> &mut SamplerChain {
        self.filters.push(Box::new(filter));
        self
    }

    /// Puts a filter before the others: it sees the logits as the model gave them. The place of a grammar's mask, since
    /// what others keep may have no token that it allows.
    pub fn push_first(&mut self, filter: impl LogitsFilter + 'static) -> &mut SamplerChain {
        self.filters.insert(0, Box::new(filter));
        self
    }
}

impl Sampler for SamplerChain {
    fn request(&self) -> LogitsRequest {
        self.filters.iter().rev().fold(self.last.request(), |after, filter| filter.request(after))
    }

    fn sample(&mut self, candidates: &mut Candidates, recent: &[u32]) -> Result<u32, SamplerError> {
        for filter in &mut self.filters {
            filter.apply(candidates, recent)?;
        }
        let id = self.last.sample(candidates, recent)?;
        self.filters.iter_mut().for_each(|filter| filter.accept(id));
        Ok(id)
    }
}

impl std::fmt::Debug for SamplerChain {
    /// Filters and samplers are the program's own, so there is their number alone.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SamplerChain").field("filters", &self.filters.len()).finish_non_exhaustive()
    }
}
