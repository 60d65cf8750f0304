//! Log-probabilities of a whole model.

use super::{Stories, ids, with_stories};
use crate::api::*;

/// Log-probabilities of every chosen token, and those of a log-softmax of the same logits, in f64.
fn check(shortlist: bool) -> Vec<Logprobs> {
    with_stories("The little fox", 100, shortlist, |stories| {
        let Stories { mut session, tokenizer, prompt } = stories;
        let options = GenerateOptions { max_tokens: 12, logprobs: Some(3), ..GenerateOptions::default() };
        let sampler = SamplerOptions { seed: 9, repetition_penalty: 1.2, ..SamplerOptions::default() };
        let mut chain = SamplerChain::new(sampler).expect("sound options");
        let mut ignore = |_: &str| ControlFlow::Continue(());
        let generated = session.generate(&prompt, &tokenizer, &mut chain, &options, &mut ignore).expect("tokens");
        session.rewind(&[]);
        let mut fresh = prompt;
        for (&id, logprobs) in generated.tokens.iter().zip(&generated.logprobs) {
            let logits = session.feed(&fresh).expect("it fits");
            let logits = logits.data();
            let sum: f64 = logits.iter().map(|&logit| f64::from(logit).exp()).sum();
            let expected = |id: u32| f64::from(logits[id as usize]) - sum.ln();
            assert_eq!((logprobs.chosen.id, logprobs.best.len()), (id.get() as u32, 3));
            for token in logprobs.best.iter().chain([&logprobs.chosen]) {
                assert!((token.logprob - expected(token.id)).abs() < 1e-9, "{token:?}");
            }
            let third = logprobs.best[2].logprob;
            assert_eq!((0..logits.len() as u32).filter(|&id| expected(id) > third + 1e-9).count(), 2);
            fresh = vec![id];
        }
        assert!(generated.logprobs.len() >= generated.tokens.len());
        generated.logprobs
    })
}

#[test]
fn logprobs_are_a_log_softmax_of_all_logits_with_a_shortlist_too() {
    assert_eq!(check(false), check(true));
}

#[test]
fn logprobs_of_some_logits_are_refused() {
    with_stories("The little fox", 100, true, |stories| {
        let Stories { mut session, tokenizer, prompt } = stories;
        let options = GenerateOptions { logprobs: Some(0), ..GenerateOptions::default() };
        let mut generation = Generation::new(ids(&prompt), tokenizer, SamplerChain::greedy(), options);
        assert_eq!(generation.request(), LogitsRequest::All);
        let sparse = session.feed_for(&prompt, LogitsRequest::LARGEST).expect("a prompt");
        assert!(sparse.len() < sparse.tokens() && sparse.as_dense().is_none());
        let error = generation.advance(&sparse).unwrap_err().to_string();
        assert!(error.contains("of 2048 logits are given") && error.contains("LogitsRequest::All"), "{error}");
    });
}
