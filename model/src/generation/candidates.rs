//! The tokens that may be chosen, and their logits as filters leave them. What belongs here: the list and the changes
//! that it allows. What does not: which changes are made ([`filters`](crate::filters)).

use super::sampler::SamplerError;
use crate::network::TokenLogits;
use std::cmp::Ordering;

/// A token that may be chosen.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Candidate {
    /// The token.
    pub id: u32,
    /// Its logit, always finite.
    pub logit: f32,
}

/// The tokens that may be chosen, each once, with finite logits. They are in the order of their ids until they are
/// [ranked](Candidates::rank).
#[derive(Clone, Debug, Default)]
pub struct Candidates {
    list: Vec<Candidate>,
    order: Order,
    tokens: usize,
}

/// What is known of the order of a list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Order {
    #[default]
    ById,
    ByRank,
    Unknown,
}

/// Higher logits first, lower ids first of equals.
fn by_rank(a: &Candidate, b: &Candidate) -> Ordering {
    b.logit.partial_cmp(&a.logit).unwrap_or(Ordering::Equal).then(a.id.cmp(&b.id))
}

/// `exp((logit - best) / temperature)`: 1 for the best, never more.
pub(super) fn weight(logit: f32, best: f32, temperature: f64) -> f64 {
    ((f64::from(logit) - f64::from(best)) / temperature).exp()
}

impl Candidates {
    /// The tokens of `logits`, without those of minus infinity.
    ///
    /// # Errors
    /// [`SamplerError::BadLogit`] where a logit is NaN or plus infinity.
    pub fn new(logits: &impl TokenLogits) -> Result<Candidates, SamplerError> {
        let mut candidates = Candidates::default();
        candidates.refill(logits)?;
        Ok(candidates)
    }

    /// As [`Candidates::new`], in the memory of these.
    ///
    /// # Errors
    /// As for [`Candidates::new`].
    pub fn refill(&mut self, logits: &impl TokenLogits) -> Result<(), SamplerError> {
        self.list.clear();
        self.list.reserve(logits.count());
        (self.order, self.tokens) = (Order::ById, logits.tokens());
        for (id, logit) in logits.by_id() {
            if logit.is_nan() || logit == f32::INFINITY {
                return Err(SamplerError::BadLogit { id, found: logit });
            }
            if logit > f32::NEG_INFINITY {
                self.list.push(Candidate { id, logit });
            }
        }
        Ok(())
    }

    /// The list.
    pub fn as_slice(&self) -> &[Candidate] {
        &self.list
    }

    /// Number of candidates.
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// Whether none is left.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// Length of the vocabulary, those that are no candidates included.
    pub fn tokens(&self) -> usize {
        self.tokens
    }

    /// The candidate with the highest logit, the lowest id of equals.
    pub fn best(&self) -> Option<Candidate> {
        match self.order {
            Order::ByRank => self.list.first().copied(),
            _ => self.list.iter().copied().min_by(by_rank),
        }
    }

    /// The logit of a token, where it is a candidate.
    pub fn get(&self, id: u32) -> Option<f32> {
        self.find(id).map(|at| self.list[at].logit)
    }

    fn find(&self, id: u32) -> Option<usize> {
        match self.order {
            Order::ById => self.list.binary_search_by_key(&id, |candidate| candidate.id).ok(),
            _ => self.list.iter().position(|candidate| candidate.id == id),
        }
    }

    /// Keeps those of which `keep` says so, in their order.
    pub fn retain(&mut self, keep: impl FnMut(&Candidate) -> bool) {
        self.list.retain(keep);
    }

    /// Keeps the first `len` of the list.
    pub fn truncate(&mut self, len: usize) {
        self.list.truncate(len);
    }

    /// Changes the logit of one token, if it is a candidate. A new logit of minus infinity or NaN takes the token out,
    /// plus infinity becomes the largest finite number.
    pub fn adjust(&mut self, id: u32, logit: impl FnOnce(f32) -> f32) {
        let Some(at) = self.find(id) else { return };
        self.list[at].logit = logit(self.list[at].logit);
        self.unrank();
        if settle(&mut self.list[at]).is_none() {
            self.list.remove(at);
        }
    }

    /// Changes every logit; as for [`adjust`](Candidates::adjust).
    pub fn map(&mut self, mut logit: impl FnMut(Candidate) -> f32) {
        self.unrank();
        self.list.retain_mut(|candidate| {
            candidate.logit = logit(*candidate);
            settle(candidate).is_some()
        });
    }

    fn unrank(&mut self) {
        if self.order == Order::ByRank {
            self.order = Order::Unknown;
        }
    }

    /// Sorts by rank: higher logits first, lower ids first of equals.
    pub fn rank(&mut self) {
        if self.order != Order::ByRank {
            self.list.sort_unstable_by(by_rank);
            self.order = Order::ByRank;
        }
    }

    /// Keeps the first `count` by rank, ranked.
    pub fn keep_best(&mut self, count: usize) {
        if self.order != Order::ByRank && count < self.list.len() {
            self.list.select_nth_unstable_by(count, by_rank);
            self.order = Order::Unknown;
        }
        self.list.truncate(count);
        self.rank();
    }

    /// `exp((logit - best) / temperature)` of each, in the order of the list: divided by their sum these are the
    /// probabilities of a softmax.
    pub fn weights(&self, temperature: f64) -> Vec<f64> {
        let best = self.best().map_or(0.0, |best| best.logit);
        self.list.iter().map(|candidate| weight(candidate.logit, best, temperature)).collect()
    }
}

/// Makes a changed logit finite; `None` where the token is out.
fn settle(candidate: &mut Candidate) -> Option<()> {
    candidate.logit = Some(candidate.logit).filter(|logit| *logit > f32::NEG_INFINITY)?.min(f32::MAX);
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::generation::tests::dense;

    fn candidates(logits: &[f32]) -> Candidates {
        Candidates::new(&dense(logits)).unwrap()
    }

    fn ids(candidates: &Candidates) -> Vec<u32> {
        candidates.as_slice().iter().map(|candidate| candidate.id).collect()
    }

    #[test]
    fn ranks_are_by_logit_and_then_by_id() {
        let mut list = candidates(&[1.0, 3.0, f32::NEG_INFINITY, 3.0, -0.0, 0.0]);
        assert_eq!((list.len(), list.tokens(), list.get(2), list.get(3)), (5, 6, None, Some(3.0)));
        assert_eq!(list.best(), Some(Candidate { id: 1, logit: 3.0 }));
        list.keep_best(4);
        assert_eq!(ids(&list), [1, 3, 0, 4]);
        assert_eq!((list.get(0), list.get(5)), (Some(1.0), None));
        list.keep_best(9);
        assert_eq!(list.len(), 4);
    }

    #[test]
    fn changed_logits_stay_finite_and_may_be_ranked_again() {
        let mut list = candidates(&[1.0, 3.0, 2.0, 0.0]);
        list.rank();
        list.adjust(0, |logit| logit * 10.0);
        list.adjust(7, |_| unreachable!("no candidate"));
        assert_eq!(list.best().map(|best| best.id), Some(0));
        list.adjust(1, |_| f32::NEG_INFINITY);
        list.adjust(2, |_| f32::INFINITY);
        assert_eq!((list.get(1), list.get(2)), (None, Some(f32::MAX)));
        list.rank();
        assert_eq!(ids(&list), [2, 0, 3]);
        list.map(|candidate| if candidate.id == 0 { f32::NAN } else { -candidate.logit });
        assert_eq!(list.best(), Some(Candidate { id: 3, logit: 0.0 }));
        assert_eq!(list.len(), 2);
    }

    #[test]
    fn weights_are_relative_to_the_best() {
        assert_eq!(candidates(&[0.0, 2f32.ln()]).weights(1.0)[1], 1.0);
        assert!((candidates(&[0.0, 2f32.ln()]).weights(0.5)[0] - 0.25).abs() < 1e-6);
        assert!(Candidates::default().weights(1.0).is_empty());
    }
}
