//! Whether a model that loads computes numbers.
//!
//! What belongs here: a forward pass over the first tokens, which commands do that call a model sound. What does not:
//! what the numbers of single tensors look like ([`judge`](crate::judge)).

use crate::network::{KvCache, StepError, Transformer};
use trine_kernels::{CacheFull, CacheType};
use trine_ops::Cpu;
use trine_shapes::{Fixed, Idx, Model, Vocab};

/// Tokens that the pass is over.
const TOKENS: usize = 4;

/// A model that loads and computes nothing.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TrialError {
    /// Infinity or NaN among the logits.
    #[error(
        "logit {logit} after the first tokens is {found}, expected a finite number: a gain, a scale or an epsilon of \
         this model is out of range, which `trine check --tensors` shows"
    )]
    NotFinite {
        /// The first such.
        logit: usize,
        /// Its value.
        found: f32,
    },
    /// The cache does not fit in memory.
    #[error(transparent)]
    Cache(#[from] CacheFull),
    /// A step was refused.
    #[error(transparent)]
    Step(#[from] StepError),
}

/// Computes the logits that follow the first tokens of the vocabulary.
///
/// # Errors
/// [`TrialError::NotFinite`] where one of them is no number.
pub fn trial<M: Model>(transformer: &Transformer<M>, cpu: &Cpu) -> Result<(), TrialError> {
    let tokens: Vec<_> = Idx::all(Vocab::of(transformer.model)).take(TOKENS.min(transformer.config.context)).collect();
    let mut cache = KvCache::new(transformer, Fixed::<1>, tokens.len(), CacheType::F32)?;
    let logits = cache.step(&[&tokens], |step| transformer.logits(cpu, step).into_data())?;
    match logits.iter().enumerate().find(|(_, logit)| !logit.is_finite()) {
        None => Ok(()),
        Some((at, found)) => {
            let logit = at % (logits.len() / tokens.len());
            Err(TrialError::NotFinite { logit, found: *found })
        }
    }
}
