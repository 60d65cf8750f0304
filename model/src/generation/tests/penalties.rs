//! Penalties and biases against values computed by hand from llama.cpp's definition
//! (`llama_sampler_penalties_apply`), and what their chains ask for.

use super::super::filters::{FrequencyPresencePenalty, LogitBias, RepetitionPenalty};
use super::super::*;
use super::dense;
use super::sample;
use crate::network::LogitsRequest;

/// The logits that a filter leaves.
fn filtered(mut filter: impl LogitsFilter, logits: &[f32], recent: &[u32]) -> Vec<Option<f32>> {
    let mut candidates = Candidates::new(&dense(logits)).unwrap();
    filter.apply(&mut candidates, recent).unwrap();
    (0..logits.len() as u32).map(|id| candidates.get(id)).collect()
}

#[test]
fn frequency_counts_and_presence_does_not() {
    let penalty = |frequency, presence| FrequencyPresencePenalty::new(frequency, presence, 5).unwrap();
    let (logits, recent) = ([3.0, -1.0, 0.5, 2.0], [3, 0, 2, 0, 0, 1]);
    // The last five: token 0 three times, 1 and 2 once, 3 not any more.
    let expected = [3.0 - 3.0 * 0.5, -1.0 - 0.5, 0.5 - 0.5, 2.0];
    assert_eq!(filtered(penalty(0.5, 0.0), &logits, &recent), expected.map(Some));
    let expected = [3.0 - 0.25, -1.0 - 0.25, 0.5 - 0.25, 2.0];
    assert_eq!(filtered(penalty(0.0, 0.25), &logits, &recent), expected.map(Some));
    let expected = [3.0 - (3.0 * 0.5 + 0.25), -1.0 - 0.75, 0.5 - 0.75, 2.0];
    assert_eq!(filtered(penalty(0.5, 0.25), &logits, &recent), expected.map(Some));
    let expected = [3.0 + 3.0, -1.0 + 1.0, 0.5 + 1.0, 2.0];
    assert_eq!(filtered(penalty(-1.0, 0.0), &logits, &recent), expected.map(Some));
    assert_eq!(filtered(penalty(1.0, 1.0), &logits, &[]), logits.map(Some));
}

/// Five equally likely tokens, both penalties 5: token 0 three times, 1 and 2 once.
#[test]
fn probabilities_are_those_of_the_definition() {
    let options = SamplerOptions { frequency_penalty: 5.0, presence_penalty: 5.0, ..SamplerOptions::greedy() };
    let mut filter = FrequencyPresencePenalty::new(5.0, 5.0, 64).unwrap();
    let logits = dense(&[0.2f32.ln(); 5]);
    let mut candidates = Candidates::new(&logits).unwrap();
    filter.apply(&mut candidates, &[0, 1, 2, 0, 0]).unwrap();
    let weights = candidates.weights(1.0);
    let total: f64 = weights.iter().sum();
    let expected = [(-20f64).exp(), (-10f64).exp(), (-10f64).exp(), 1.0, 1.0];
    for (weight, expected) in weights.iter().zip(expected) {
        // 2 + 2 exp(-10) + exp(-20) = 2.00009
        assert!((weight / total - expected / 2.000_090_802).abs() < 1e-6, "{weights:?}");
    }
    let mut chain = SamplerChain::new(options).unwrap();
    assert_eq!(sample(&mut chain, &[0.2; 5], &[0, 1, 2, 0, 0]), Ok(3));
}

#[test]
fn repetition_comes_before_frequency_and_presence() {
    let options = SamplerOptions {
        repetition_penalty: 2.0,
        frequency_penalty: 1.0,
        presence_penalty: 0.5,
        ..SamplerOptions::greedy()
    };
    let mut chain = SamplerChain::new(options).unwrap();
    // 8 / 2 - (2 * 1 + 0.5) = 1.5; the other way round it would be 5.5 / 2 = 2.75.
    assert_eq!(sample(&mut chain, &[8.0, 2.0], &[0, 0]), Ok(1));
    assert_eq!(sample(&mut chain, &[8.0, 1.4], &[0, 0]), Ok(0));
}

#[test]
fn biases_are_added_and_may_exclude_a_token() {
    let bias = |biases: &[(u32, f32)]| LogitBias::new(biases.to_vec()).unwrap();
    let found = filtered(bias(&[(0, -1.5), (2, f32::NEG_INFINITY), (1, 0.25), (1, 0.5)]), &[1.0, 2.0, 3.0], &[]);
    assert_eq!(found, [Some(-0.5), Some(2.75), None]);
    let mut chain = SamplerChain::new(SamplerOptions { logit_bias: vec![(7, 1.0)], ..SamplerOptions::default() });
    let error = sample(chain.as_mut().unwrap(), &[0.0; 7], &[]).unwrap_err();
    assert_eq!(error.to_string(), "token 7 has a logit bias, and the vocabulary has 7 tokens");
}

#[test]
fn penalties_and_biases_out_of_range_are_refused() {
    let refusal = |options| SamplerChain::new(options).unwrap_err().to_string();
    let default = SamplerOptions::greedy;
    assert_eq!(
        refusal(SamplerOptions { frequency_penalty: f32::NAN, ..default() }),
        "frequency_penalty is NaN: expected a finite number"
    );
    assert!(
        refusal(SamplerOptions { presence_penalty: f32::INFINITY, ..default() }).starts_with("presence_penalty is inf")
    );
    assert_eq!(
        refusal(SamplerOptions { logit_bias: vec![(3, f32::INFINITY)], ..default() }),
        "logit_bias is inf: expected a finite number, or minus infinity"
    );
}

#[test]
fn chains_ask_for_what_may_be_chosen() {
    let request = |options| SamplerChain::new(options).unwrap().request();
    let largest = |count| LogitsRequest::Largest(std::num::NonZeroUsize::new(count).unwrap());
    let default = SamplerOptions::default;
    assert_eq!(request(SamplerOptions::greedy()), LogitsRequest::LARGEST);
    assert_eq!(request(default()), largest(40));
    assert_eq!(request(SamplerOptions { top_k: 0, ..default() }), LogitsRequest::All);
    let penalized = SamplerOptions { repetition_window: 9, ..default() };
    assert_eq!(request(SamplerOptions { repetition_penalty: 1.1, ..penalized.clone() }), largest(49));
    assert_eq!(request(SamplerOptions { repetition_penalty: 0.9, ..penalized.clone() }), LogitsRequest::All);
    assert_eq!(request(SamplerOptions { presence_penalty: 0.5, ..penalized.clone() }), largest(49));
    assert_eq!(request(SamplerOptions { presence_penalty: -0.5, ..penalized.clone() }), LogitsRequest::All);
    assert_eq!(request(SamplerOptions { frequency_penalty: -0.5, ..penalized.clone() }), LogitsRequest::All);
    assert_eq!(request(SamplerOptions { logit_bias: vec![(4, -1.0), (5, -2.0)], ..default() }), largest(42));
    assert_eq!(request(SamplerOptions { logit_bias: vec![(4, -1.0), (5, 2.0)], ..default() }), LogitsRequest::All);
    let huge = SamplerOptions { repetition_penalty: 1.1, repetition_window: usize::MAX, ..default() };
    assert_eq!(request(huge), largest(usize::MAX));
}

#[test]
fn a_window_of_none_penalizes_none() {
    assert!(RepetitionPenalty::new(1.5, 0).unwrap().is_neutral());
    assert!(FrequencyPresencePenalty::new(1.0, 1.0, 0).unwrap().is_neutral());
    assert_eq!(filtered(RepetitionPenalty::new(1.5, 0).unwrap(), &[1.0, 2.0], &[1]), [Some(1.0), Some(2.0)]);
}
