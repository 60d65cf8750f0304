//! Qwen2.5-Coder-0.5B-Instruct (dense, Q4_K_M, trained by others) against llama.cpp and against a numpy model on the
//! decoded weights: greedy tokens, logits, and a function that it writes.
//!
//! `tools/fetch_qwen2.py` fetches the file; without it these tests say that they are skipped.

use super::followed::{Bounds, followed};
use crate::api::*;
use crate::support::{cpu, fetched, logits_of, relative_error, with_model};
use std::path::PathBuf;

/// Twice the largest difference between a logit of llama.cpp, which rounds activations to 8 bits, and one of the numpy
/// model, which does not: two that lie closer may change places.
const CLOSE: f64 = 2.0 * 0.6808;

/// The largest deviation from the numpy model, which rounds no activations; Trine rounds those of quantized matrices
/// to 16 bits.
const TOLERANCE: f64 = 2e-4;

fn path() -> Option<PathBuf> {
    fetched("Qwen2.5-Coder-0.5B-Instruct.Q4_K_M.gguf", "fetch_qwen2.py")
}

/// Each prompt is fed with the tokens that llama.cpp chose, one by one.
#[test]
fn tokens_are_those_of_llama_cpp_and_logits_those_of_a_model_that_rounds_nothing() {
    let Some(path) = path() else { return };
    let bounds = Bounds { close: CLOSE, tolerance: TOLERANCE, activations: None };
    followed("Qwen2.5-Coder, numpy on decoded weights", &path, "qwen2.json", bounds);
}

/// As a program would, with an engine: the chat template, its end token, and twenty turns of one conversation.
#[test]
fn it_writes_a_function_and_survives_twenty_turns() {
    let Some(path) = path() else { return };
    let options = EngineOptions { cpu: Some(cpu()), ..EngineOptions::default() };
    let engine = Engine::open(path, options).unwrap_or_else(|error| panic!("{error}"));
    let mut sequence = engine.sequence();
    let question = "Write a Python function add(a, b) that returns the sum of a and b. Reply with the code only.";
    let mut messages = vec![Message::new("user", question)];
    for turn in 0..20 {
        let prompt = engine.chat_prompt(&messages).expect("a prompt");
        let options = GenerateOptions { max_tokens: if turn == 0 { 64 } else { 12 }, ..GenerateOptions::default() };
        let greedy = SamplerChain::new(SamplerOptions::greedy()).expect("a sampler");
        let mut answer = String::new();
        for piece in sequence.generate_with(&prompt, greedy, options) {
            answer += &piece.expect("an answer").text;
        }
        if turn == 0 {
            assert!(answer.contains("def add(a, b):") && answer.contains("return a + b"), "{answer}");
        }
        messages.push(Message::new("assistant", answer));
        messages.push(Message::new("user", format!("And with {turn} more?")));
    }
    assert!(sequence.len() > 300);
}

/// Its matrices as ternary ones with a scale for each 128 columns: it runs, and what activations in fewer bits change
/// is bounded. No such model says anything of use: what is compared is how the ways to compute it differ.
#[test]
fn in_groups_its_logits_differ_by_little_between_modes_of_activations() {
    let Some(path) = path() else { return };
    let file = Gguf::open(path).unwrap_or_else(|error| panic!("{error}"));
    let ids: Vec<u32> = (0..24).map(|i| 900 + i * 6007).collect();
    let logits = |activations| {
        let quantize = Some(Quantize::AbsmeanOfGroups(GroupSize::Columns128));
        let options = LoadOptions { quantize, activations, ..LoadOptions::default() };
        with_model(&file, &options, |transformer| logits_of(&cpu(), transformer, &ids))
    };
    let exact = logits(Some(ActivationMode::F32));
    let of_groups = logits(Some(ActivationMode::Int8PerGroup));
    assert!(logits(None) == of_groups, "the default is another mode");
    for (mode, found, bound) in [("int8-group", of_groups, 0.04), ("q8_0", logits(Some(ActivationMode::Q8_0)), 0.03)] {
        let error = relative_error(&found, &exact);
        println!("{mode}: {:.5} of the logits", error);
        assert!(error < bound, "{mode}: {:.5} of the logits", error);
    }
}
