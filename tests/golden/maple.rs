//! Maple models against llama.cpp and a numpy model: experts, limits of gates, layers with a window that rotate and
//! others that do not.

use super::small::{check, check_with, steps_give_the_same_bits};
use crate::api::*;
use crate::support::{Reference, cpu, logits_of, open, with_model};
use std::num::NonZeroUsize;
use trine::kernels::Isa;

const MODELS: [&str; 3] = ["listed", "one", "all"];

/// The largest deviation of float32 models that all compute the same.
const TOLERANCE: f64 = 1e-5;

fn file(name: &str) -> Gguf {
    let suffix = if name == "ternary" { "" } else { "-f32" };
    open(&format!("maple/{name}{suffix}.gguf"))
}

#[test]
fn logits_of_files_are_those_of_both_engines() {
    for name in MODELS {
        for engine in ["logits", "llama_cpp"] {
            check("maple", &file(name), name, engine, TOLERANCE);
        }
    }
}

/// llama.cpp rounds activations in blocks of 256, as ternary matrices of these types do here; numpy does not.
#[test]
fn ternary_experts_have_the_logits_of_both_engines() {
    let file = file("ternary");
    check("maple", &file, "ternary", "llama_cpp", 1e-2);
    let exact = LoadOptions { activations: Some(ActivationMode::F32), ..LoadOptions::default() };
    check_with("maple", &file, ("ternary", "logits"), &exact, TOLERANCE);
}

#[test]
fn steps_of_any_lengths_give_the_same_bits() {
    for name in ["listed", "ternary"] {
        steps_give_the_same_bits("maple", &file(name), name);
    }
}

#[test]
fn every_level_and_any_number_of_threads_give_the_same_bits() {
    for name in ["one", "ternary"] {
        let ids = Reference::open("maple/expected.safetensors").ids(&format!("{name}.long.ids"));
        with_model(&file(name), &LoadOptions::default(), |transformer| {
            let expected = logits_of(&cpu(), transformer, &ids);
            for isa in Isa::ALL.into_iter().filter(|isa| isa.is_available()) {
                for threads in [1, 3] {
                    let options = CpuOptions { threads: NonZeroUsize::new(threads), isa: Some(isa) };
                    let cpu = Cpu::new(options).expect("available");
                    assert!(expected == logits_of(&cpu, transformer, &ids), "{name} on {isa} with {threads} threads");
                }
            }
        });
    }
}

/// The matrix of each expert is a range of the bytes of the file, one behind the other.
#[test]
fn experts_are_read_in_place() {
    for (name, count) in [("listed", 7), ("ternary", 3)] {
        let file = file(name);
        with_model(&file, &LoadOptions::default(), |transformer| {
            for block in Idx::all(Blocks::of(transformer.model)) {
                let FeedForward::Experts(mixture) = &transformer.blocks[block].feed_forward else { panic!("{name}") };
                let tensor = file.tensor(&format!("blk.{}.ffn_up_exps.weight", block.get())).expect("a tensor");
                let bytes = file.bytes(tensor);
                let (start, each) = (bytes.as_ptr() as usize, bytes.len() / count);
                let found: Vec<_> = (mixture.experts.iter())
                    .map(|expert| (expert.up.data().bytes().as_ptr() as usize - start, expert.up.data().bytes().len()))
                    .collect();
                assert_eq!(found, (0..count).map(|expert| (expert * each, each)).collect::<Vec<_>>(), "{name}");
            }
        });
    }
}

/// The layers that rotate are those with a window, and each token is counted with the experts that it goes to.
#[test]
fn a_token_meets_its_experts_alone() {
    let file = file("listed");
    with_model(&file, &LoadOptions::default(), |transformer| {
        let slides = |layer: &Attention<_>| matches!(layer.reach, Reach::Sliding { .. });
        let sliding: Vec<bool> = transformer.attention.iter().map(slides).collect();
        assert_eq!(sliding, [true, true, false, true, false]);
        // Queries, keys, values and the output, the router, and three matrices of each of three experts.
        let of_block = 48 * (2 * 96 + 2 * 32) + 48 * 7 + 3 * 3 * 48 * 20;
        assert_eq!(transformer.operations_per_token(), 2 * 5 * of_block);
        assert_eq!(transformer.matrices().count(), 5 * (4 + 1 + 3 * 7));
    });
}
