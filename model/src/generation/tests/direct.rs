//! The chain that options describe against its steps in one function: the same tokens and the same draws, bit by bit.

use super::super::*;
use super::sample;
use proptest::prelude::*;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::cmp::Ordering;
use std::collections::BTreeSet;

/// Logits with their ids, higher ones first, lower ids first of equals.
fn by_rank(a: &(u32, f32), b: &(u32, f32)) -> Ordering {
    b.1.partial_cmp(&a.1).expect("a number").then(a.0.cmp(&b.0))
}

fn weight(logit: f32, best: f32, temperature: f64) -> f64 {
    ((f64::from(logit) - f64::from(best)) / temperature).exp()
}

/// Repetition penalty, top-k, top-p, min-p, temperature, a draw.
fn direct(options: &SamplerOptions, random: &mut ChaCha8Rng, logits: &[f32], recent: &[u32]) -> u32 {
    let mut list: Vec<(u32, f32)> = (0..).zip(logits.iter().copied()).collect();
    let penalty = options.repetition_penalty;
    let window: BTreeSet<u32> = recent.iter().rev().take(options.repetition_window).copied().collect();
    for id in window {
        let logit = &mut list[id as usize].1;
        *logit = if *logit > 0.0 { *logit / penalty } else { *logit * penalty };
    }
    let best = *list.iter().min_by(|a, b| by_rank(a, b)).expect("a logit");
    if options.temperature == 0.0 {
        return best.0;
    }
    if options.top_k > 0 && options.top_k < list.len() {
        list.sort_by(by_rank);
        list.truncate(options.top_k);
    }
    if options.top_p < 1.0 {
        list.sort_by(by_rank);
        let weights: Vec<f64> = list.iter().map(|(_, logit)| weight(*logit, best.1, 1.0)).collect();
        let (enough, mut mass, mut kept) = (f64::from(options.top_p) * weights.iter().sum::<f64>(), 0.0, 0);
        while kept < list.len() && (kept == 0 || mass < enough) {
            mass += weights[kept];
            kept += 1;
        }
        list.truncate(kept);
    }
    list.retain(|(_, logit)| weight(*logit, best.1, 1.0) >= f64::from(options.min_p));
    let weights: Vec<f64> = list.iter().map(|(_, logit)| weight(*logit, best.1, options.temperature.into())).collect();
    let mut left = random.random::<f64>() * weights.iter().sum::<f64>();
    let mut chosen = best.0;
    for ((id, _), weight) in list.iter().zip(weights).filter(|(_, weight)| *weight > 0.0) {
        chosen = *id;
        left -= weight;
        if left < 0.0 {
            break;
        }
    }
    chosen
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn the_chain_is_its_steps_in_their_order(
        logits in prop::collection::vec(-8f32..8.0, 5..70),
        (temperature, top_k, top_p, min_p) in (0f32..2.0, 0usize..80, 0.2f32..=1.0, 0f32..0.3),
        (repetition_penalty, repetition_window, neutral) in (0.8f32..1.5, 0usize..5, any::<[bool; 4]>()),
        seed: u64,
    ) {
        let options = SamplerOptions {
            temperature: if neutral[0] { 0.0 } else { temperature },
            top_k,
            top_p: if neutral[1] { 1.0 } else { top_p },
            min_p: if neutral[2] { 0.0 } else { min_p },
            repetition_penalty: if neutral[3] { 1.0 } else { repetition_penalty },
            repetition_window,
            seed,
            ..SamplerOptions::default()
        };
        let mut chain = SamplerChain::new(options.clone()).unwrap();
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let mut recent = vec![3, 1];
        for _ in 0..6 {
            let expected = direct(&options, &mut random, &logits, &recent);
            prop_assert_eq!(sample(&mut chain, &logits, &recent), Ok(expected));
            recent.push(expected);
        }
    }
}
