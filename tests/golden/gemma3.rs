//! Gemma 3 models against HF transformers and llama.cpp: layers with a window and without, norms of branches, GELU, and
//! a rotation of their own in layers with a window.

use super::small::{check, directory, steps_give_the_same_bits};
use crate::api::*;
use crate::support::{open, with_model};

const MODELS: [&str; 3] = ["sliding", "full", "scaled"];

/// The largest deviation of float32 models that all compute the same.
const TOLERANCE: f64 = 1e-5;

/// llama.cpp looks GELU up in a table of halves.
const OF_A_TABLE: f64 = 1e-3;

#[test]
fn logits_of_files_are_those_of_both_engines() {
    for name in MODELS {
        let file = open(&format!("gemma3/{name}-f32.gguf"));
        check("gemma3", &file, name, "logits", TOLERANCE);
        check("gemma3", &file, name, "llama_cpp", OF_A_TABLE);
    }
}

#[test]
fn logits_of_directories_are_those_of_transformers() {
    for name in MODELS {
        check("gemma3", &directory("gemma3", name), name, "logits", TOLERANCE);
    }
}

/// Files and directories say the same of windows, each in its words.
#[test]
fn every_sixth_layer_sees_all_positions() {
    for (name, global) in [("sliding", &[5][..]), ("full", &[0, 1]), ("scaled", &[5])] {
        let (file, folder) = (open(&format!("gemma3/{name}-f32.gguf")), directory("gemma3", name));
        for source in [&file as &dyn Source, &folder] {
            with_model(source, &LoadOptions::default(), |transformer| {
                let is_global = |layer: &Attention<_>| matches!(layer.reach, Reach::Global);
                let found = transformer.attention.iter().enumerate().filter(|(_, layer)| is_global(layer));
                let found: Vec<usize> = found.map(|(index, _)| index).collect();
                assert_eq!(found, global, "{}", source.label());
            });
        }
    }
}

#[test]
fn steps_of_any_lengths_give_the_same_bits() {
    for name in ["sliding", "scaled"] {
        steps_give_the_same_bits("gemma3", &open(&format!("gemma3/{name}-f32.gguf")), name);
    }
}
