//! Sparse logits against dense ones: whatever the chain, the logits that it asks for give the choices that all give.

use super::super::filters::{FrequencyPresencePenalty, LogitBias, MinP, RepetitionPenalty, Temperature, TopK, TopP};
use super::super::*;
use super::{Words, dense};
use crate::network::{Logits, LogitsRequest, TokenSet};
use proptest::prelude::*;
use std::num::NonZeroUsize;

/// Allows some tokens and no other, and asks for no more.
struct Mask(TokenSet);

impl LogitsFilter for Mask {
    fn request(&self, _after: LogitsRequest) -> LogitsRequest {
        LogitsRequest::Among(self.0.clone())
    }

    fn apply(&mut self, candidates: &mut Candidates, _recent: &[u32]) -> Result<(), SamplerError> {
        candidates.retain(|candidate| self.0.ids().contains(&candidate.id));
        Ok(())
    }
}

/// The logits that a head with a shortlist would give: those asked for, and of the largest the equal ones and those of
/// `others`.
fn answer(values: &[f32], request: LogitsRequest, others: &[bool]) -> Logits<Words> {
    let largest = |count: usize| {
        let mut order = values.to_vec();
        order.sort_unstable_by(|a, b| b.total_cmp(a));
        order[count.min(order.len()) - 1]
    };
    let kept: Box<dyn Fn(usize) -> bool> = match request {
        LogitsRequest::All => return dense(values),
        LogitsRequest::Largest(count) => {
            let last = largest(count.get());
            Box::new(move |id| values[id] >= last || others[id % others.len()])
        }
        LogitsRequest::Among(set) => Box::new(move |id| set.ids().contains(&(id as u32))),
    };
    let ids: Vec<usize> = (0..values.len()).filter(|&id| kept(id)).collect();
    let sparse = ids.iter().map(|&id| values[id]).collect();
    Logits::sparse(Words(values.len()), ids.into_iter().map(|id| id as u32).collect(), sparse).unwrap()
}

/// One of the built-in filters, with parameters from `parameter`.
fn filter(kind: usize, parameter: f32, biases: &[(u32, f32)]) -> Box<dyn LogitsFilter> {
    let window = (parameter * 7.0) as usize;
    match kind {
        0 => Box::new(TopK::new(NonZeroUsize::new(1 + (parameter * 20.0) as usize).unwrap())),
        1 => Box::new(TopP::new(parameter.max(0.01)).unwrap()),
        2 => Box::new(MinP::new(parameter * parameter).unwrap()),
        3 => Box::new(Temperature::new(0.1 + 3.0 * parameter).unwrap()),
        4 => Box::new(RepetitionPenalty::new(0.6 + parameter, window).unwrap()),
        5 => Box::new(FrequencyPresencePenalty::new(2.0 * parameter - 0.5, 0.3 - 0.5 * parameter, window).unwrap()),
        6 => Box::new(LogitBias::new(biases.to_vec()).unwrap()),
        _ => Box::new(Mask((0..60).filter(|id| (id * 37 % 23) as f32 <= parameter * 23.0).collect())),
    }
}

fn chain(filters: &[(usize, f32)], biases: &[(u32, f32)], seed: u64) -> SamplerChain {
    let mut chain = match seed % 3 {
        0 => SamplerChain::greedy(),
        _ => SamplerChain::ending_in(Multinomial::new(0.5 + (seed % 5) as f32, seed).unwrap()),
    };
    for &(kind, parameter) in filters {
        chain.push(filter(kind, parameter, biases));
    }
    chain
}

/// Draws from the same logits with a growing text, from all logits and from those asked for.
fn check(values: &[f32], others: &[bool], mut chains: [SamplerChain; 2]) -> Result<(), TestCaseError> {
    let dense = dense(values);
    let sparse = answer(values, chains[1].request(), others);
    let mut recent = vec![1, 0, 1];
    for _ in 0..8 {
        let [all, some] = &mut chains;
        let expected = all.sample(&mut Candidates::new(&dense).unwrap(), &recent);
        let found = some.sample(&mut Candidates::new(&sparse).unwrap(), &recent);
        prop_assert_eq!(&found, &expected, "{} of {} logits", sparse.len(), values.len());
        recent.extend(expected);
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    /// Chains of any filters in any order. Logits are coarse, so that many are equal.
    #[test]
    fn any_chain_chooses_the_same(
        values in prop::collection::vec((-40i8..40).prop_map(|step| f32::from(step) * 0.37), 5..60),
        others in prop::collection::vec(prop::bool::weighted(0.2), 1..60),
        filters in prop::collection::vec((0usize..8, 0f32..1.0), 0..5),
        biases in prop::collection::vec((0u32..5, -4f32..1.0), 0..4),
        seed: u64,
    ) {
        check(&values, &others, [0, 1].map(|_| chain(&filters, &biases, seed)))?;
    }

    /// The chain that options describe.
    #[test]
    fn options_choose_the_same(
        values in prop::collection::vec(-8f32..8.0, 5..80),
        others in prop::collection::vec(prop::bool::weighted(0.2), 1..60),
        (temperature, top_k, top_p, min_p) in (0f32..2.0, 0usize..12, 0.3f32..=1.0, 0f32..0.3),
        (repetition_penalty, frequency_penalty, presence_penalty) in (0.9f32..1.5, -0.1f32..1.0, -0.1f32..1.0),
        (repetition_window, greedy, neutral, seed) in (0usize..5, any::<bool>(), any::<[bool; 4]>(), any::<u64>()),
    ) {
        let options = SamplerOptions {
            temperature: if greedy { 0.0 } else { temperature },
            top_k,
            top_p: if neutral[0] { 1.0 } else { top_p },
            min_p: if neutral[1] { 0.0 } else { min_p },
            repetition_penalty: if neutral[2] { 1.0 } else { repetition_penalty },
            frequency_penalty: if neutral[3] { 0.0 } else { frequency_penalty },
            presence_penalty: if neutral[3] { 0.0 } else { presence_penalty },
            repetition_window,
            logit_bias: Vec::new(),
            seed,
        };
        check(&values, &others, [0, 1].map(|_| SamplerChain::new(options.clone()).unwrap()))?;
    }
}

#[test]
fn exactly_as_many_logits_as_top_k_keeps_are_ranked_as_all_would_be() {
    let values = [0.3, 1.0, 0.7, -2.0, 0.9];
    let options = SamplerOptions { top_k: 3, top_p: 1.0, min_p: 0.0, seed: 3, ..SamplerOptions::default() };
    check(&values, &[false], [0, 1].map(|_| SamplerChain::new(options.clone()).unwrap())).unwrap();
}
