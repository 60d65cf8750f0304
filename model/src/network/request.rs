//! Which logits of a step are asked for. What belongs here: the request, and how requests combine. What does not:
//! logits themselves (`logits.rs`).

use std::num::NonZeroUsize;
use std::sync::Arc;

/// The part of a vocabulary up to which its tokens are few: the rows of most heads are copied before they are
/// multiplied, which takes as long as reading twice as many.
const FEW: usize = 16;

/// The logits that a step computes for its last position.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LogitsRequest {
    /// Those of every token.
    All,
    /// So many of the largest, and those equal to the last of them. A transformer with a shortlist leaves most others
    /// out; one without computes them all.
    Largest(NonZeroUsize),
    /// Those of these tokens and of no others, where no other may follow. The rows of the head that belong to others
    /// are not read.
    Among(TokenSet),
}

/// Some tokens of a vocabulary, by id. Clones share them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenSet(Arc<[u32]>);

impl TokenSet {
    /// The ids, which ascend.
    pub fn ids(&self) -> &[u32] {
        &self.0
    }
}

impl FromIterator<u32> for TokenSet {
    fn from_iter<I: IntoIterator<Item = u32>>(ids: I) -> Self {
        let mut ids: Vec<u32> = ids.into_iter().collect();
        ids.sort_unstable();
        ids.dedup();
        TokenSet(ids.into())
    }
}

impl LogitsRequest {
    /// Those of the tokens `ids` where they are few among `tokens`, else those of all, which takes less time.
    pub fn among(ids: impl IntoIterator<Item = u32>, tokens: usize) -> LogitsRequest {
        let few = tokens / FEW;
        let ids: Vec<u32> = ids.into_iter().take(few + 1).collect();
        if ids.len() > few { LogitsRequest::All } else { LogitsRequest::Among(ids.into_iter().collect()) }
    }

    /// The largest logit, and those equal to it.
    pub const LARGEST: LogitsRequest = LogitsRequest::Largest(NonZeroUsize::MIN);

    /// As many more of the largest: where that many tokens may fall behind others.
    #[must_use]
    pub fn with_margin(self, more: usize) -> LogitsRequest {
        match self {
            LogitsRequest::Largest(count) => LogitsRequest::Largest(count.saturating_add(more)),
            LogitsRequest::All | LogitsRequest::Among(_) => self,
        }
    }

    /// At most `count` of the largest of all tokens: where no more are kept.
    #[must_use]
    pub fn at_most(self, count: NonZeroUsize) -> LogitsRequest {
        match self {
            LogitsRequest::Largest(asked) => LogitsRequest::Largest(asked.min(count)),
            LogitsRequest::All | LogitsRequest::Among(_) => LogitsRequest::Largest(count),
        }
    }

    /// A request that has the largest of all tokens: where they decide what becomes of others.
    #[must_use]
    pub fn with_largest(self) -> LogitsRequest {
        match self {
            LogitsRequest::Among(_) => LogitsRequest::All,
            LogitsRequest::All | LogitsRequest::Largest(_) => self,
        }
    }

    /// A request that does for both.
    #[must_use]
    pub fn and(self, other: LogitsRequest) -> LogitsRequest {
        match (self, other) {
            (LogitsRequest::Largest(one), LogitsRequest::Largest(other)) => LogitsRequest::Largest(one.max(other)),
            (one, other) if one == other => one,
            _ => LogitsRequest::All,
        }
    }

    /// Whether logits that were asked for so do where `request` asks.
    pub fn covers(&self, request: &LogitsRequest) -> bool {
        match (self, request) {
            (LogitsRequest::All, _) => true,
            (LogitsRequest::Largest(asked), LogitsRequest::Largest(wanted)) => asked >= wanted,
            (LogitsRequest::Among(asked), LogitsRequest::Among(wanted)) => asked == wanted,
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn largest(count: usize) -> LogitsRequest {
        LogitsRequest::Largest(NonZeroUsize::new(count).unwrap())
    }

    #[test]
    fn a_set_has_each_token_once_in_the_order_of_ids() {
        assert_eq!([7, 2, 9, 2].into_iter().collect::<TokenSet>().ids(), [2, 7, 9]);
    }

    #[test]
    fn many_tokens_are_asked_for_as_all() {
        assert_eq!(LogitsRequest::among(0..10, 160), LogitsRequest::Among((0..10).collect()));
        assert_eq!(LogitsRequest::among(0..11, 160), LogitsRequest::All);
        assert_eq!(LogitsRequest::among([], 3), LogitsRequest::Among([].into_iter().collect()));
    }

    /// After a filter that keeps the best, a token that may follow must be among the best of all.
    #[test]
    fn what_depends_on_other_tokens_asks_for_them() {
        let among = || LogitsRequest::Among([4, 1].into_iter().collect());
        let three = NonZeroUsize::new(3).unwrap();
        assert_eq!(among().at_most(three), largest(3));
        assert_eq!((among().with_largest(), among().with_margin(2)), (LogitsRequest::All, among()));
        assert_eq!((largest(2).with_largest(), largest(2).with_margin(2)), (largest(2), largest(4)));
    }

    #[test]
    fn a_request_for_both_covers_each() {
        let among = |ids: [u32; 2]| LogitsRequest::Among(ids.into_iter().collect());
        let requests = [LogitsRequest::All, largest(2), largest(5), among([1, 2]), among([1, 3])];
        for one in &requests {
            assert_eq!(one.clone().and(one.clone()), *one);
            for other in &requests {
                let both = one.clone().and(other.clone());
                assert!(both.covers(one) && both.covers(other), "{one:?} and {other:?}: {both:?}");
            }
        }
        assert_eq!(largest(2).and(largest(5)), largest(5));
    }

    #[test]
    fn logits_do_for_what_asks_for_no_more() {
        let among = |ids: [u32; 2]| LogitsRequest::Among(ids.into_iter().collect());
        assert!(LogitsRequest::All.covers(&among([1, 2])) && LogitsRequest::All.covers(&LogitsRequest::All));
        assert!(largest(3).covers(&largest(2)) && !largest(2).covers(&largest(3)));
        assert!(among([1, 2]).covers(&among([2, 1])) && !among([1, 2]).covers(&among([1, 3])));
        assert!(!largest(2).covers(&among([1, 2])) && !among([1, 2]).covers(&largest(1)));
        assert!(!largest(2).covers(&LogitsRequest::All) && !among([1, 2]).covers(&LogitsRequest::All));
    }
}
