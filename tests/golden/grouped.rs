//! Ternary and binary models with a scale for each group of columns against HF transformers and llama.cpp, and against
//! each other: the same weights have the same bits in whatever layout they are stored.

use crate::api::*;
use crate::support::{FeedIds, Reference, assert_close, cpu, logits_of, open, skipped, with_model};
use std::num::NonZeroUsize;
use trine::kernels::Isa;

/// Models, and the packings of their files, which have the same weights.
const FILES: [(&str, &[&str]); 4] = [
    ("tied", &["q2_0", "q2_0-legacy", "pq2_0", "ptq1_0"]),
    ("separate", &["q2_0", "ptq1_0"]),
    ("binary", &["q1_0"]),
    ("halves", &["q2_0"]),
];

/// The largest deviation of float32 models that all compute the same.
const TOLERANCE: f64 = 1e-5;

fn expected() -> Reference {
    Reference::open("grouped/expected.safetensors")
}

fn of_model(name: &str, packing: &str) -> Gguf {
    open(&format!("grouped/{name}-{packing}.gguf"))
}

/// Runs `body` on a model that is loaded with an activation mode.
fn with_mode<R>(
    source: &dyn Source,
    activations: Option<ActivationMode>,
    body: impl for<'x> FnOnce(&std::sync::Arc<Transformer<Dyn<'x>>>) -> R,
) -> R {
    let options = LoadOptions { activations, ..LoadOptions::default() };
    with_model(source, &options, body)
}

fn logits(source: &dyn Source, activations: Option<ActivationMode>, ids: &[u32]) -> Vec<f32> {
    with_mode(source, activations, |transformer| logits_of(&cpu(), transformer, ids))
}

/// The last logits, as many as are expected.
fn last<'l>(found: &'l [f32], expected: &[f32]) -> &'l [f32] {
    &found[found.len() - expected.len()..]
}

#[test]
fn with_f32_activations_logits_are_those_of_transformers_and_llama_cpp() {
    let reference = expected();
    for (name, packings) in FILES {
        for (packing, prompt) in packings.iter().flat_map(|packing| [(packing, "short"), (packing, "long")]) {
            let key = format!("{name}.{prompt}");
            let file = of_model(name, packing);
            let found = logits(&file, Some(ActivationMode::F32), &reference.ids(&format!("{key}.ids")));
            for engine in ["transformers", "llama_cpp"] {
                let expected = reference.floats(&format!("{key}.{engine}"));
                assert_close(&format!("{key}, {packing}: {engine}"), last(&found, &expected), &expected, TOLERANCE);
            }
        }
    }
}

/// The short prompts are such that no order of operations rounds an activation otherwise, so what is left is float32
/// arithmetic. In long ones some activations lie so near to a half that it does: then a code differs by one.
#[test]
fn with_q8_0_activations_logits_are_those_of_llama_cpp() {
    let reference = expected();
    for (name, packings) in FILES {
        for (prompt, tolerance) in [("short", 1e-6), ("long", 1e-2)] {
            let key = format!("{name}.{prompt}");
            let expected = reference.floats(&format!("{key}.q8_0"));
            for packing in packings {
                let file = of_model(name, packing);
                let found = logits(&file, Some(ActivationMode::Q8_0), &reference.ids(&format!("{key}.ids")));
                assert_close(&format!("{key}, {packing}"), last(&found, &expected), &expected, tolerance);
            }
        }
    }
}

/// What the default mode costs, of which no other program has the like: one scale for as many activations as weights.
#[test]
fn the_default_activations_cost_as_little_as_those_of_llama_cpp() {
    let reference = expected();
    for (name, packings) in FILES {
        let expected = reference.floats(&format!("{name}.short.transformers"));
        let found = logits(&of_model(name, packings[0]), None, &reference.ids(&format!("{name}.short.ids")));
        assert_close(&format!("{name}, default activations"), &found, &expected, 3e-2);
    }
}

#[test]
fn every_layout_of_the_same_weights_gives_the_same_bits_on_every_level() {
    let (reference, usual) = (expected(), cpu());
    for isa in Isa::ALL {
        if !isa.is_available() {
            skipped(&format!("level {isa}: not in this machine"));
            continue;
        }
        for threads in [1, 3] {
            let cpu = Cpu::new(CpuOptions { threads: NonZeroUsize::new(threads), isa: Some(isa) }).expect("available");
            for (name, packings) in FILES {
                let ids = reference.ids(&format!("{name}.short.ids"));
                for activations in [None, Some(ActivationMode::Q8_0), Some(ActivationMode::F32)] {
                    let of = |cpu: &Cpu, packing| {
                        with_mode(&of_model(name, packing), activations, |model| logits_of(cpu, model, &ids))
                    };
                    let expected = of(&usual, packings[0]);
                    for packing in packings {
                        let same = of(&cpu, packing) == expected;
                        assert!(same, "{name}, {packing} on {isa} with {threads} threads, {activations:?}");
                    }
                }
            }
        }
    }
}

#[test]
fn steps_of_one_token_give_the_same_bits() {
    let reference = expected();
    for (name, packings) in FILES {
        let ids = reference.ids(&format!("{name}.short.ids"));
        for (packing, mode) in
            packings.iter().flat_map(|packing| [(packing, None), (packing, Some(ActivationMode::Q8_0))])
        {
            with_mode(&of_model(name, packing), mode, |transformer| {
                let cpu = cpu();
                let all = logits_of(&cpu, transformer, &ids);
                let mut session = Session::new(transformer, &cpu, ids.len(), CacheType::F32).expect("memory");
                for (row, id) in all.chunks_exact(all.len() / ids.len()).zip(&ids) {
                    assert_eq!(session.feed_ids(&[*id]), row, "{name}, {packing}, {mode:?}");
                }
            });
        }
    }
}
