//! HunYuan models against HF transformers and llama.cpp: norms of heads behind RoPE, a base that an alpha stands for,
//! and matrices in STQ1_0.

use super::small::{check, check_with, directory, steps_give_the_same_bits};
use crate::api::*;
use crate::support::open;

const MODELS: [&str; 2] = ["tied", "alpha"];

/// The largest deviation of float32 models that all compute the same.
const TOLERANCE: f64 = 1e-5;

#[test]
fn logits_of_files_are_those_of_both_engines() {
    for name in MODELS {
        let file = open(&format!("hunyuan/{name}-f32.gguf"));
        for engine in ["logits", "llama_cpp"] {
            check("hunyuan", &file, name, engine, TOLERANCE);
        }
    }
}

#[test]
fn logits_of_directories_are_those_of_transformers() {
    for name in MODELS {
        check("hunyuan", &directory("hunyuan", name), name, "logits", TOLERANCE);
    }
}

#[test]
fn steps_of_any_lengths_give_the_same_bits() {
    steps_give_the_same_bits("hunyuan", &open("hunyuan/tied-f32.gguf"), "tied");
}

/// llama.cpp's logits are those of the same matrices in TQ2_0; the file in STQ1_0 becomes these when it is loaded. In
/// the long prompt some activations lie at a boundary of their rounding.
#[test]
fn a_file_in_stq1_0_has_the_logits_of_one_in_tq2_0() {
    let file = open("hunyuan/stq1_0.gguf");
    check("hunyuan", &file, "stq1_0", "llama_cpp", 1e-2);
    // What rounding activations costs.
    check("hunyuan", &file, "stq1_0", "exact", 5e-2);
    let exact = LoadOptions { activations: Some(ActivationMode::F32), ..LoadOptions::default() };
    check_with("hunyuan", &file, ("stq1_0", "exact"), &exact, TOLERANCE);
}
