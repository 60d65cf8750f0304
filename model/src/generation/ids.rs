//! Ids as tokens of a vocabulary.
//!
//! What belongs here: numbers of files and texts as `Idx`, and back. What does not: where they come from.

use trine_shapes::{Axis, Idx, NotAnIndex};

/// The ids of some tokens.
#[cfg(feature = "text")]
pub(super) fn ids<V: Axis>(tokens: &[Idx<V>]) -> Vec<u32> {
    tokens.iter().map(|token| token.get() as u32).collect()
}

/// Ids as tokens of a vocabulary.
///
/// # Errors
/// [`NotAnIndex`] where one is beyond it.
pub(crate) fn checked<V: Axis>(vocab: V, ids: &[u32]) -> Result<Vec<Idx<V>>, NotAnIndex> {
    ids.iter().map(|&id| Idx::new(vocab, id)).collect()
}
