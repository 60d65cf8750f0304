//! Whole models against llama.cpp: the `bitnet` and `llama` architectures with ternary and dense weights, f32 KV cache.
//!
//! llama.cpp meets TQ1_0 and TQ2_0 with activations in blocks of 256 (Q8_K), which Trine does too when asked. It meets
//! F16 and BF16 weights with activations rounded to that type and other dense types with 8-bit activations, where Trine
//! keeps f32: the tolerance of each type is what that rounding costs in a small random model.

use crate::support::{Reference, assert_close, cpu, fixture, logits_of, open, relative_error, with_model};
use std::collections::BTreeSet;
use trine::prelude::*;

/// Largest relative error of the logits, by the ending of the file's name.
const TOLERANCES: [(&str, f64); 9] = [
    ("f32", 2e-6),
    ("tq1_0", 2e-6),
    ("tq2_0", 2e-6),
    ("f16", 1.5e-3),
    ("bf16", 1e-2),
    ("q8_0", 4e-2),
    ("q4_0", 4e-2),
    ("q4_1", 4e-2),
    ("q6_k", 2e-2),
];

fn tolerance(name: &str) -> f64 {
    let ending = |(kind, _): &&(&str, f64)| name.ends_with(&format!("-{kind}"));
    TOLERANCES.iter().find(ending).unwrap_or_else(|| panic!("{name} has no tolerance")).1
}

fn names() -> BTreeSet<String> {
    let files = std::fs::read_dir(fixture("llama_cpp")).expect("a folder of models");
    let paths = files.map(|file| file.expect("a readable folder").path());
    let models = paths.filter(|path| path.extension().is_some_and(|extension| extension == "gguf"));
    models.map(|path| path.file_stem().expect("a name").to_string_lossy().into_owned()).collect()
}

#[test]
fn logits_at_every_position_agree_within_the_activation_mode() {
    let (cpu, reference) = (cpu(), Reference::open("llama_cpp/logits.safetensors"));
    let names = names();
    assert!(names.len() >= 15, "only {} models found", names.len());
    let options = LoadOptions { activations: Some(ActivationMode::Q8K), ..LoadOptions::default() };
    for name in names {
        with_model(&open(&format!("llama_cpp/{name}.gguf")), &options, |transformer| {
            let found = logits_of(&cpu, transformer, &reference.ids(&format!("{name}.ids")));
            assert_close(&name, &found, &reference.floats(&format!("{name}.logits")), tolerance(&name));
        });
    }
}

#[test]
fn a_tq_file_of_a_llama_takes_block_activations_by_itself() {
    let (cpu, reference) = (cpu(), Reference::open("llama_cpp/logits.safetensors"));
    for name in ["llama-tq1_0", "llama-tq2_0"] {
        with_model(&open(&format!("llama_cpp/{name}.gguf")), &LoadOptions::default(), |transformer| {
            let found = logits_of(&cpu, transformer, &reference.ids(&format!("{name}.ids")));
            assert_close(name, &found, &reference.floats(&format!("{name}.logits")), tolerance(name));
        });
    }
}

#[test]
fn per_token_activations_are_another_model_than_block_activations() {
    let (cpu, reference) = (cpu(), Reference::open("llama_cpp/logits.safetensors"));
    let options = LoadOptions { activations: Some(ActivationMode::Int8PerToken), ..LoadOptions::default() };
    with_model(&open("llama_cpp/bitnet-tq2_0.gguf"), &options, |transformer| {
        let found = logits_of(&cpu, transformer, &reference.ids("bitnet-tq2_0.ids"));
        let error = relative_error(&found, &reference.floats("bitnet-tq2_0.logits"));
        assert!((1e-4..0.2).contains(&error), "{error}");
    });
}
