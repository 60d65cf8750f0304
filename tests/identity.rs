//! Whose weights, tokens and logits: what a type cannot tell apart is refused by name.

use crate::api::*;
use crate::support::{cpu, open};
use trine::pinned_model;

#[test]
fn a_pinned_type_stands_for_one_file() {
    pinned_model! { struct Once; }
    let (cpu, first, second) = (cpu(), open("hf/a-i2_s.gguf"), open("hf/a-tq1_0.gguf"));
    let once = Once::pin(Config::from_gguf(&first).expect("a model").dims).expect("the first dimensions");
    let options = LoadOptions::default();
    load(once, &first, &cpu, &options).expect("the first file");
    load(once, &first, &cpu, &options).expect("the same file once more");
    let message = load(once, &second, &cpu, &options).unwrap_err().to_string();
    assert!(message.contains("a-tq1_0.gguf: `Once` stands for ") && message.contains("a-i2_s.gguf"), "{message}");
}

#[test]
fn logits_of_an_engine_take_its_tokens_alone() {
    let engine = || trine::embedded_engine().expect("the embedded model");
    let (one, other) = (engine(), engine());
    let logits = |engine: &Engine| {
        let prompt = engine.prompt("The king").expect("a prompt");
        let proceed = &mut || ControlFlow::Continue(());
        let logits = engine.sequence().feed(&prompt, LogitsRequest::All, proceed).expect("logits");
        logits.expect("nothing interrupts it")
    };
    let (own, foreign) = (logits(&one), logits(&other));
    let best = own.argmax().expect("a number");
    let largest = own.as_dense().expect("all logits").iter().copied().fold(f32::NEG_INFINITY, f32::max);
    assert_eq!((own.get(&best).expect("its own token"), own.len()), (Some(largest), own.tokens()));
    assert_eq!(own.iter().nth(best.id() as usize), Some((best.clone(), largest)));
    let message = foreign.get(&best).unwrap_err().to_string();
    assert!(message.contains(&one.id().to_string()) && message.contains(&other.id().to_string()), "{message}");
}

/// A generation that a program drives itself takes the logits of an engine.
#[test]
fn a_generation_takes_the_logits_of_an_engine() {
    let engine = trine::embedded_engine().expect("the embedded model");
    let prompt = engine.prompt("The king").expect("a prompt");
    let options = GenerateOptions { max_tokens: 12, ..GenerateOptions::default() };
    let mut sequence = engine.sequence();
    let expected: String = sequence
        .generate_with(&prompt, SamplerChain::greedy(), options.clone())
        .map(|piece| piece.expect("a piece").text)
        .collect();
    let mut generation = Generation::new(prompt.ids(), engine.tokenizer().clone(), SamplerChain::greedy(), options);
    let (mut sequence, mut text, mut next) = (engine.sequence(), String::new(), prompt);
    loop {
        let proceed = &mut || ControlFlow::Continue(());
        let logits = sequence.feed(&next, generation.request(), proceed).expect("logits");
        let step = generation.advance(&logits.expect("nothing interrupts it")).expect("a step");
        text += &step.text;
        match step.next {
            Next::Feed(id) => next = engine.prompt_of_ids(&[id]).expect("an id of the vocabulary"),
            Next::Done(_) => break,
        }
    }
    assert_eq!(text, expected);
}
