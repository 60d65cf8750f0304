//! HunYuan models against HF transformers and llama.cpp: norms of heads behind RoPE, a base that an alpha stands for, and
//! matrices in STQ1_0.

use super::small::{check, directory, steps_give_the_same_bits};
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
