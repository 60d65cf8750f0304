//! Log-probabilities of tokens under the model. What belongs here: the log-softmax and what of it is reported. What
//! does not: choosing a token, which sees other logits (`sampler.rs`).

use crate::network::{LogitsError, TokenLogits};
use std::cmp::Ordering;

/// A token and its log-probability.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TokenLogprob {
    /// The token.
    pub id: u32,
    /// `ln p(id)`, in nats.
    pub logprob: f64,
}

/// Log-probabilities of the token that was chosen and of the best ones, over the logits as the model gave them: before
/// any filter, at temperature 1. `logprob(i) = logit(i) - ln(sum over all tokens j of exp(logit(j)))`, in f64.
#[derive(Clone, Debug, PartialEq)]
pub struct Logprobs {
    /// The token that was chosen, whatever its rank.
    pub chosen: TokenLogprob,
    /// The likeliest tokens, likeliest first, the lowest id first of equals.
    pub best: Vec<TokenLogprob>,
}

impl Logprobs {
    /// Those of `chosen` and of the `best` likeliest tokens. A logit that is NaN makes all of them NaN.
    ///
    /// # Errors
    /// [`LogitsError::Sparse`] where not all logits are given, [`LogitsError::UnknownToken`] where there is no such
    /// token.
    pub fn new(logits: &impl TokenLogits, chosen: u32, best: usize) -> Result<Logprobs, LogitsError> {
        let tokens = logits.tokens();
        let values = logits.as_dense().ok_or(LogitsError::Sparse { found: logits.count(), tokens })?;
        let logit = logits.of_id(chosen).ok_or(LogitsError::UnknownToken { id: chosen, tokens })?;
        let normalizer = log_sum_exp(values);
        let of = |(id, logit)| TokenLogprob { id, logprob: f64::from(logit) - normalizer };
        Ok(Logprobs { chosen: of((chosen, logit)), best: largest(logits, best).into_iter().map(of).collect() })
    }
}

/// The `count` largest, largest first.
fn largest(logits: &impl TokenLogits, count: usize) -> Vec<(u32, f32)> {
    let by_rank = |a: &(u32, f32), b: &(u32, f32)| match b.1.partial_cmp(&a.1) {
        Some(Ordering::Equal) | None => a.0.cmp(&b.0),
        Some(order) => order,
    };
    let mut all: Vec<(u32, f32)> = if count == 0 { Vec::new() } else { logits.by_id().collect() };
    if count < all.len() {
        all.select_nth_unstable_by(count, by_rank);
        all.truncate(count);
    }
    all.sort_unstable_by(by_rank);
    all
}

/// `ln(sum of exp(value))`, in f64.
pub(crate) fn log_sum_exp(values: &[f32]) -> f64 {
    let max = f64::from(values.iter().copied().fold(f32::NEG_INFINITY, f32::max));
    let sum: f64 = values.iter().map(|&value| (f64::from(value) - max).exp()).sum();
    max + sum.ln()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::generation::tests::{Words, dense};
    use crate::network::Logits;
    use proptest::prelude::*;

    #[test]
    fn the_best_are_ranked_and_the_chosen_need_not_be_among_them() {
        // softmax(ln 1, ln 5, ln 2) = (1/8, 5/8, 2/8)
        let logits = dense(&[0.0, 5f32.ln(), 2f32.ln()]);
        let found = Logprobs::new(&logits, 0, 2).unwrap();
        let close = |found: TokenLogprob, id, probability: f64| {
            assert_eq!(found.id, id);
            assert!((found.logprob - probability.ln()).abs() < 1e-6, "{found:?}");
        };
        close(found.chosen, 0, 0.125);
        close(found.best[0], 1, 0.625);
        close(found.best[1], 2, 0.25);
        assert_eq!(found.best.len(), 2);
        let ties = Logprobs::new(&dense(&[1.0; 4]), 2, 2).unwrap();
        assert_eq!(ties.best.iter().map(|best| best.id).collect::<Vec<_>>(), [0, 1]);
        assert!(Logprobs::new(&logits, 0, 0).unwrap().best.is_empty());
    }

    #[test]
    fn what_has_no_probability_is_an_error() {
        let sparse = Logits::sparse(Words(9), vec![3], vec![1.0]).unwrap();
        let message = "1 of 9 logits are given: log-probabilities need all of them, so ask for `LogitsRequest::All`";
        assert_eq!(Logprobs::new(&sparse, 3, 1).unwrap_err().to_string(), message);
        let error = Logprobs::new(&dense(&[1.0; 4]), 4, 1).unwrap_err();
        assert_eq!(error.to_string(), "token 4: there are logits of 4 tokens");
    }

    proptest! {
        /// Against a log-softmax written down as its definition says, in f64.
        #[test]
        fn all_probabilities_sum_to_one(
            values in prop::collection::vec(-30f32..30.0, 1..80), chosen: prop::sample::Index,
        ) {
            let logits = dense(&values);
            let found = Logprobs::new(&logits, chosen.index(values.len()) as u32, values.len()).unwrap();
            let sum: f64 = found.best.iter().map(|token| token.logprob.exp()).sum();
            prop_assert!((sum - 1.0).abs() < 1e-12, "{}", sum);
            let total: f64 = values.iter().map(|&value| f64::from(value).exp()).sum();
            let expected = |id: u32| (f64::from(values[id as usize]).exp() / total).ln();
            for token in found.best.iter().chain([&found.chosen]) {
                prop_assert!((token.logprob - expected(token.id)).abs() < 1e-9, "{:?}", token);
            }
            prop_assert!(found.best.windows(2).all(|pair| pair[0].logprob >= pair[1].logprob));
        }
    }
}
