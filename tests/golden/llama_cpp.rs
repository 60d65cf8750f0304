//! Whole models against llama.cpp: the `bitnet` and `llama` architectures with ternary and dense weights, f32 KV cache.
//!
//! llama.cpp meets TQ1_0 and TQ2_0 with activations in blocks of 256 (Q8_K), which Trine does too when asked. It meets
//! F16 and BF16 weights with activations rounded to that type and other dense types with 8-bit activations, where Trine
//! keeps f32 or 16 bits: the tolerance of each type is what that rounding costs in a small random model. The same files
//! are therefore compared with a numpy model too, which rounds no activations.

use crate::api::*;
use crate::support::{Reference, assert_close, cpu, fixture, logits_of, open, relative_error, with_model};
use std::collections::BTreeSet;

/// Largest relative error of the logits, by the ending of the file's name.
const TOLERANCES: [(&str, f64); 12] = [
    ("f32", 2e-6),
    ("tq1_0", 2e-6),
    ("tq2_0", 2e-6),
    ("f16", 1.5e-3),
    ("bf16", 1e-2),
    ("q8_0", 4e-2),
    ("q4_0", 4e-2),
    ("q4_1", 4e-2),
    ("q2_0", 4e-2),
    ("q4_k", 4e-2),
    ("q5_k", 4e-2),
    ("q6_k", 2e-2),
];

/// Largest relative error against logits without rounding: what 16 bits cost.
const EXACT: f64 = 2e-4;

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
    assert!(names.len() >= 19, "only {} models found", names.len());
    let options = LoadOptions { activations: Some(ActivationMode::Q8K), ..LoadOptions::default() };
    for name in names {
        with_model(&open(&format!("llama_cpp/{name}.gguf")), &options, |transformer| {
            let found = logits_of(&cpu, transformer, &reference.ids(&format!("{name}.ids")));
            assert_close(&name, &found, &reference.floats(&format!("{name}.logits")), tolerance(&name));
        });
    }
}

/// The types of matrices that have 16-bit products all occur.
#[test]
fn dense_types_agree_with_a_model_that_rounds_no_activations() {
    let (cpu, reference) = (cpu(), Reference::open("llama_cpp/logits.safetensors"));
    let mut kinds = BTreeSet::new();
    for name in names().into_iter().filter(|name| reference.has(&format!("{name}.exact"))) {
        let file = open(&format!("llama_cpp/{name}.gguf"));
        kinds.extend(file.tensors().iter().map(|tensor| tensor.kind.name()));
        with_model(&file, &LoadOptions::default(), |transformer| {
            let found = logits_of(&cpu, transformer, &reference.ids(&format!("{name}.ids")));
            let expected = reference.floats(&format!("{name}.exact"));
            assert_close(&format!("{name}, activations not rounded"), &found, &expected, EXACT);
        });
    }
    let expected = ["BF16", "F16", "F32", "Q4_0", "Q4_1", "Q4_K", "Q5_0", "Q5_1", "Q5_K", "Q8_0"];
    assert_eq!(kinds.into_iter().collect::<Vec<_>>(), expected);
}

/// llama.cpp wrote both files from one model, whose matrices have one scale each: the same codes and scales.
#[test]
fn a_q2_0_file_gives_the_bits_of_a_tq2_0_file() {
    let (cpu, reference) = (cpu(), Reference::open("llama_cpp/logits.safetensors"));
    let ids = reference.ids("llama-q2_0.ids");
    for activations in [ActivationMode::Q8K, ActivationMode::Int8PerToken] {
        let options = LoadOptions { activations: Some(activations), ..LoadOptions::default() };
        let [found, expected] = ["llama-q2_0", "llama-tq2_0-q6_k"].map(|name| {
            with_model(&open(&format!("llama_cpp/{name}.gguf")), &options, |transformer| {
                assert!(transformer.matrices().all(Matrix::is_ternary), "{name}");
                logits_of(&cpu, transformer, &ids)
            })
        });
        assert_eq!(found, expected, "{activations}");
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
