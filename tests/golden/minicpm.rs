//! MiniCPM models against HF transformers' Granite, which is the same graph, and llama.cpp: scales, also those that are
//! meant where a file has no keys, and LongRoPE within its original context and beyond.

use super::small::{check, directory, steps_give_the_same_bits};
use crate::api::*;
use crate::support::{cpu, open, tokens, with_model};

const MODELS: [&str; 4] = ["first", "scaled", "long", "short"];

/// The largest deviation of float32 models that all compute the same.
const TOLERANCE: f64 = 1e-5;

#[test]
fn logits_of_files_are_those_of_both_engines() {
    for name in MODELS {
        let file = open(&format!("minicpm/{name}-f32.gguf"));
        for engine in ["logits", "llama_cpp"] {
            check("minicpm", &file, name, engine, TOLERANCE);
        }
    }
}

#[test]
fn logits_of_directories_are_those_of_both_engines() {
    for name in MODELS {
        let directory = directory("minicpm", name);
        for engine in ["logits", "llama_cpp"] {
            check("minicpm", &directory, name, engine, TOLERANCE);
        }
    }
}

/// The numbers that are meant where a file has none are those that the directory has.
#[test]
fn scales_that_a_file_does_not_have_are_those_of_the_first_models() {
    let of = |source: &dyn Source| source.config().unwrap_or_else(|error| panic!("{error}"));
    let (file, folder) = (of(&open("minicpm/first-f32.gguf")), of(&directory("minicpm", "first")));
    assert_eq!(file.scales, folder.scales);
    assert_eq!((file.scales.embedding, file.scales.logits), (12.0, 44.0 / 256.0));
    let (file, folder) = (of(&open("minicpm/long-f32.gguf")), of(&directory("minicpm", "long")));
    assert_eq!((file.scales, file.rope.scaling), (folder.scales, folder.rope.scaling));
}

#[test]
fn steps_of_any_lengths_give_the_same_bits() {
    for name in ["scaled", "long"] {
        steps_give_the_same_bits("minicpm", &open(&format!("minicpm/{name}-f32.gguf")), name);
    }
}

/// A shortlist finds the largest logits, divided as all are.
#[test]
fn largest_logits_are_divided_too() {
    let options = LoadOptions { shortlist: Some(MakeShortlist { progress: None }), ..LoadOptions::default() };
    with_model(&open("minicpm/scaled-f32.gguf"), &options, |transformer| {
        let cpu = cpu();
        let mut session = Session::new(transformer, &cpu, 8, CacheType::F32).expect("memory");
        let ids = tokens(transformer.model, &[7, 30, 99]);
        let all = session.feed(&ids).expect("they fit").into_data();
        let mut session = Session::new(transformer, &cpu, 8, CacheType::F32).expect("memory");
        let three = LogitsRequest::Largest(std::num::NonZeroUsize::new(3).expect("three"));
        let largest = session.feed_watched(&ids, three, &mut |_, _, _| ()).expect("they fit");
        assert!(largest.len() >= 3);
        assert!(largest.iter().all(|(token, logit)| all[token.get()] == logit));
    });
}
