//! What stands between logits and a choice: the trait that built-in filters and those of users implement alike. What
//! does not belong here: the built-in ones ([`filters`](crate::filters)).

use super::candidates::Candidates;
use super::sampler::SamplerError;
use crate::network::LogitsRequest;

/// Changes the candidates before one of them is chosen: takes tokens out, or changes their logits.
///
/// A filter that keeps every token for which some condition holds, such as a grammar's mask, needs no more than
/// `apply`. With `request` the head of the model reads no rows but those of the tokens that are kept:
///
/// ```
/// use trine_model::{Candidates, LogitsFilter, LogitsRequest, SamplerError, TokenSet};
///
/// /// Allows some tokens, and no other.
/// struct Allowed(TokenSet);
///
/// impl LogitsFilter for Allowed {
///     fn request(&self, _after: LogitsRequest) -> LogitsRequest {
///         LogitsRequest::Among(self.0.clone())
///     }
///
///     fn apply(&mut self, candidates: &mut Candidates, _recent: &[u32]) -> Result<(), SamplerError> {
///         candidates.retain(|candidate| self.0.ids().contains(&candidate.id));
///         Ok(())
///     }
/// }
/// ```
pub trait LogitsFilter: Send {
    /// The logits that this filter has to be given, where `after` are those that what comes after it has to be given.
    /// All, unless a filter knows better: a token that was not asked for may be missing from the candidates.
    fn request(&self, after: LogitsRequest) -> LogitsRequest {
        let _ = after;
        LogitsRequest::All
    }

    /// Changes the candidates. `recent` are the tokens so far, those of the prompt included.
    ///
    /// # Errors
    /// [`SamplerError`] where the filter cannot go on; [`SamplerError::Filter`] is for those of users.
    fn apply(&mut self, candidates: &mut Candidates, recent: &[u32]) -> Result<(), SamplerError>;

    /// Learns which token was chosen, once for each choice: for filters with a state, such as a place in a grammar.
    fn accept(&mut self, id: u32) {
        let _ = id;
    }
}

impl<F: LogitsFilter + ?Sized> LogitsFilter for Box<F> {
    fn request(&self, after: LogitsRequest) -> LogitsRequest {
        (**self).request(after)
    }

    fn apply(&mut self, candidates: &mut Candidates, recent: &[u32]) -> Result<(), SamplerError> {
        (**self).apply(candidates, recent)
    }

    fn accept(&mut self, id: u32) {
        (**self).accept(id);
    }
}
