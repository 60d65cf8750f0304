//! Properties of the chain that options describe, and its draws against the distribution that they should follow.

use super::super::*;
use super::sample;
use proptest::prelude::*;

/// No filter and no penalty.
fn open() -> SamplerOptions {
    SamplerOptions { temperature: 1.0, top_k: 0, top_p: 1.0, min_p: 0.0, ..SamplerOptions::default() }
}

fn counts(options: SamplerOptions, logits: &[f32], draws: usize) -> Vec<usize> {
    let mut sampler = SamplerChain::new(options).unwrap();
    let mut counts = vec![0; logits.len()];
    (0..draws).for_each(|_| counts[sample(&mut sampler, logits, &[]).unwrap() as usize] += 1);
    counts
}

/// Logits of these probabilities.
fn logits(probabilities: &[f32]) -> Vec<f32> {
    probabilities.iter().map(|p| p.ln() + 3.0).collect()
}

/// Pearson's statistic of draws against probabilities.
fn chi_square(counts: &[usize], probabilities: &[f64]) -> f64 {
    let draws: usize = counts.iter().sum();
    let term = |(&count, p): (&usize, &f64)| {
        let expected = p * draws as f64;
        (count as f64 - expected).powi(2) / expected
    };
    counts.iter().zip(probabilities).map(term).sum()
}

#[test]
fn draws_follow_the_softmax() {
    let probabilities = [0.4, 0.05, 0.25, 0.2, 0.1];
    let counts = counts(open(), &logits(&probabilities), 20_000);
    // 4 degrees of freedom: 18.47 is exceeded once in a thousand.
    let statistic = chi_square(&counts, &probabilities.map(f64::from));
    assert!(statistic < 18.47, "{statistic} {counts:?}");
}

#[test]
fn temperature_reshapes_the_distribution() {
    let probabilities = [0.6f32, 0.3, 0.1];
    for temperature in [0.5f32, 2.0] {
        let powers = probabilities.map(|p| f64::from(p).powf(1.0 / f64::from(temperature)));
        let expected = powers.map(|power| power / powers.iter().sum::<f64>());
        let counts = counts(SamplerOptions { temperature, ..open() }, &logits(&probabilities), 20_000);
        // 2 degrees of freedom: 13.82 is exceeded once in a thousand.
        let statistic = chi_square(&counts, &expected);
        assert!(statistic < 13.82, "temperature {temperature}: {statistic} {counts:?}");
    }
}

/// Which tokens are ever drawn.
fn support(options: SamplerOptions, probabilities: &[f32]) -> Vec<usize> {
    let counts = counts(options, &logits(probabilities), 4_000);
    (0..counts.len()).filter(|&id| counts[id] > 0).collect()
}

#[test]
fn filters_keep_what_they_promise() {
    let probabilities = [0.1, 0.35, 0.05, 0.3, 0.2];
    assert_eq!(support(open(), &probabilities), [0, 1, 2, 3, 4]);
    assert_eq!(support(SamplerOptions { top_k: 3, ..open() }, &probabilities), [1, 3, 4]);
    assert_eq!(support(SamplerOptions { top_p: 0.6, ..open() }, &probabilities), [1, 3]);
    assert_eq!(support(SamplerOptions { top_p: 0.7, ..open() }, &probabilities), [1, 3, 4]);
    assert_eq!(support(SamplerOptions { top_p: 1e-6, ..open() }, &probabilities), [1]);
    assert_eq!(support(SamplerOptions { min_p: 0.5, ..open() }, &probabilities), [1, 3, 4]);
    assert_eq!(support(SamplerOptions { min_p: 1.0, ..open() }, &probabilities), [1]);
    // top-p counts the mass of what top-k left: 0.35 of 0.85 is 0.41.
    assert_eq!(support(SamplerOptions { top_k: 3, top_p: 0.4, ..open() }, &probabilities), [1]);
    // The filters do not see the temperature: at 100 the distribution is flat, and min-p keeps the same tokens.
    assert_eq!(support(SamplerOptions { min_p: 0.5, temperature: 100.0, ..open() }, &probabilities), [1, 3, 4]);
}

/// Equal tokens have a probability that is exact, so that sums of them meet a bound exactly: then they are enough.
#[test]
fn a_bound_that_is_met_exactly_is_met() {
    for (top_p, kept) in [(0.25, 1), (0.5, 2), (0.75, 3), (1.0, 4)] {
        assert_eq!(support(SamplerOptions { top_p, ..open() }, &[0.25; 4]), Vec::from_iter(0..kept), "top-p {top_p}");
    }
    assert_eq!(support(SamplerOptions { min_p: 1.0, ..open() }, &[0.25, 0.5, 0.125, 0.5]), [1, 3]);
    // The next number above a half needs a third token.
    assert_eq!(support(SamplerOptions { top_p: 0.5f32.next_up(), ..open() }, &[0.25; 4]), [0, 1, 2]);
}

#[test]
fn penalties_push_recent_tokens_down_once() {
    let options = SamplerOptions { repetition_penalty: 2.0, repetition_window: 3, ..SamplerOptions::greedy() };
    let mut sampler = SamplerChain::new(options).unwrap();
    let mut sample = |logits: &[f32], recent: &[u32]| sample(&mut sampler, logits, recent).unwrap();
    assert_eq!(sample(&[3.0, 2.0, 1.0], &[]), 0);
    assert_eq!(sample(&[3.0, 2.0, 1.0], &[0]), 1, "3 / 2 is below 2");
    assert_eq!(sample(&[3.0, 1.2, 1.0], &[0, 0, 0]), 0, "3 / 2, not 3 / 8");
    assert_eq!(sample(&[3.0, 2.0, 1.0], &[0, 2, 2, 2]), 0, "outside the window");
    assert_eq!(sample(&[-1.0, -1.5, -4.0], &[0]), 1, "-1 times 2 is below -1.5");
    assert_eq!(sample(&[3.0, 2.0, 1.0], &[99]), 0, "an id outside the vocabulary is nobody's");
}

#[test]
fn equal_seeds_draw_equally() {
    let draws = |seed| {
        let mut sampler = SamplerChain::new(SamplerOptions { seed, ..open() }).unwrap();
        (0..50).map(|_| sample(&mut sampler, &[0.5; 7], &[]).unwrap()).collect::<Vec<_>>()
    };
    assert_eq!(draws(11), draws(11));
    assert_ne!(draws(11), draws(12));
}

#[test]
fn the_lowest_id_wins_ties() {
    let mut greedy = SamplerChain::new(SamplerOptions::greedy()).unwrap();
    assert_eq!(sample(&mut greedy, &[1.0, 4.0, 4.0, 2.0], &[]), Ok(1));
    assert_eq!(sample(&mut greedy, &[-0.0, 0.0], &[]), Ok(0));
}

#[test]
fn options_out_of_range_are_refused() {
    let refusal = |options| SamplerChain::new(options).unwrap_err().to_string();
    let nan = f32::NAN;
    assert_eq!(
        refusal(SamplerOptions { temperature: -0.5, ..open() }),
        "temperature is -0.5: expected a finite number, 0 or more"
    );
    assert!(refusal(SamplerOptions { temperature: nan, ..open() }).starts_with("temperature is NaN"));
    assert!(refusal(SamplerOptions { top_p: 0.0, ..open() }).starts_with("top_p is 0"));
    assert!(refusal(SamplerOptions { top_p: 1.5, ..open() }).starts_with("top_p is 1.5"));
    assert!(refusal(SamplerOptions { min_p: nan, ..open() }).starts_with("min_p is NaN"));
    assert!(refusal(SamplerOptions { repetition_penalty: 0.0, ..open() }).starts_with("repetition_penalty is 0"));
}

#[test]
fn logits_that_are_no_numbers_are_errors() {
    let infinity = f32::INFINITY;
    for options in [SamplerOptions::greedy(), SamplerOptions::default()] {
        let mut sampler = SamplerChain::new(options).unwrap();
        let error = sample(&mut sampler, &[0.0, f32::NAN, 1.0], &[]).unwrap_err();
        assert!(error.to_string().starts_with("the logit of token 1 is NaN"), "{error}");
        assert_eq!(sample(&mut sampler, &[infinity], &[]), Err(SamplerError::BadLogit { id: 0, found: infinity }));
        assert_eq!(sample(&mut sampler, &[], &[]), Err(SamplerError::NoCandidate { logits: 0 }));
        assert_eq!(sample(&mut sampler, &[-infinity; 3], &[]), Err(SamplerError::NoCandidate { logits: 3 }));
        assert_eq!(sample(&mut sampler, &[-infinity, -5.0, -infinity], &[]), Ok(1));
        assert_eq!(sample(&mut sampler, &[f32::MIN, f32::MAX], &[]), Ok(1));
    }
}

proptest! {
    /// With one candidate left, whatever the filter, the draw is greedy.
    #[test]
    fn one_candidate_is_greedy(logits in prop::collection::vec(-30f32..30.0, 1..40), seed: u64) {
        let greedy = sample(&mut SamplerChain::greedy(), &logits, &[]);
        let best = logits.iter().copied().fold(f32::MIN, f32::max);
        prop_assert_eq!(greedy.clone().map(|id| logits[id as usize]), Ok(best));
        for options in [SamplerOptions { top_k: 1, ..open() }, SamplerOptions { top_p: 1e-9, ..open() }] {
            let mut sampler = SamplerChain::new(SamplerOptions { seed, ..options }).unwrap();
            prop_assert_eq!(sample(&mut sampler, &logits, &[]), greedy.clone());
        }
    }

    /// Whatever is drawn lies among the k highest and has at least the fraction of the best.
    #[test]
    fn draws_stay_inside_the_filters(
        logits in prop::collection::vec(-8f32..8.0, 1..60), k in 1usize..60, min_p in 0f32..1.0, seed: u64,
    ) {
        let options = SamplerOptions { top_k: k, min_p, seed, ..open() };
        let id = sample(&mut SamplerChain::new(options).unwrap(), &logits, &[]).unwrap() as usize;
        let above = logits.iter().filter(|&&logit| logit > logits[id]).count();
        prop_assert!(above < k);
        let best = logits.iter().copied().fold(f32::MIN, f32::max);
        prop_assert!(f64::from(logits[id] - best).exp() >= f64::from(min_p) - 1e-6);
    }
}
