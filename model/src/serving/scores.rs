//! Log-probabilities of the tokens of a prompt, kept with its pages: many prompts with one beginning, of which each is
//! scored, compute the beginning once. What does not belong here: how they are computed (`generation/logprobs.rs`).

use crate::generation::Logprobs;
use trine_kernels::PAGE;

/// Log-probabilities of the tokens of a text behind the first, or of those of a page of it, with so many of the best
/// beside each.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Scores {
    pub best: usize,
    pub of: Vec<Logprobs>,
}

impl Scores {
    /// None yet.
    pub fn new(best: usize) -> Scores {
        Scores { best, of: Vec::new() }
    }

    /// Those of the tokens of a text that lie in a page, by its number; `None` where there are none.
    pub fn page(&self, page: usize) -> Option<Scores> {
        let end = self.of.len().min((page + 1) * PAGE - 1);
        let of = self.of.get((page * PAGE).max(1) - 1..end).filter(|of| !of.is_empty())?;
        Some(Scores { best: self.best, of: of.to_vec() })
    }

    /// The first `count`, with `best` of the best beside each. There are as many.
    pub fn beginning(&self, count: usize, best: usize) -> impl Iterator<Item = Logprobs> {
        let shorter = move |logprobs: &Logprobs| Logprobs {
            chosen: logprobs.chosen,
            best: logprobs.best.iter().take(best).copied().collect(),
        };
        self.of.iter().take(count).map(shorter)
    }

    /// Whether these say at least as much as those.
    pub fn covers(&self, other: &Scores) -> bool {
        self.best >= other.best && self.of.len() >= other.of.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::generation::TokenLogprob;

    #[test]
    fn the_first_token_of_a_text_has_none() {
        let token = |id: usize| TokenLogprob { id: id as u32, logprob: 0.0 };
        let of = (1..600).map(|id| Logprobs { chosen: token(id), best: vec![token(7), token(8)] }).collect();
        let scores = Scores { best: 2, of };
        let ids = |page: usize| {
            let page = scores.page(page)?;
            Some((page.of[0].chosen.id, page.of.last()?.chosen.id, page.best))
        };
        assert_eq!([0, 1, 2, 3].map(ids), [Some((1, 255, 2)), Some((256, 511, 2)), Some((512, 599, 2)), None]);
        let short: Vec<_> = scores.beginning(3, 1).collect();
        assert_eq!((short.len(), short[2].chosen.id, short[2].best.len()), (3, 3, 1));
        assert_eq!(Scores::new(4).page(0), None);
        assert!(scores.covers(&Scores { best: 1, of: short }) && !scores.covers(&Scores::new(3)));
    }
}
