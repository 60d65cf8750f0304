//! SmolLM2-135M-Instruct (dense, Q4_1, trained by others) against llama.cpp: greedy tokens, token ids, and an answer.
//!
//! `tools/fetch_smollm2.py` fetches the file; without it these tests say that they are skipped.

use super::followed::{expected, ids, items};
use crate::api::*;
use crate::support::{FeedIds, argmax, cpu, fetched, with_model};
use std::ops::ControlFlow;
use std::sync::Arc;

/// Two best logits of llama.cpp that lie closer may change places: it rounds activations to 8 bits, Trine does not.
const CLOSE: f64 = 0.05;

/// Special tokens are what they name, and nothing is added.
const RAW: EncodeOptions = EncodeOptions { parse_special: true, ..EncodeOptions::PLAIN };

fn file() -> Option<Gguf> {
    let path = fetched("SmolLM2-135M-Instruct.Q4_1.gguf", "fetch_smollm2.py")?;
    Some(Gguf::open(path).unwrap_or_else(|error| panic!("{error}")))
}

#[test]
fn greedy_tokens_are_those_of_llama_cpp_unless_two_are_close() {
    let Some(file) = file() else { return };
    let cpu = cpu();
    with_model(&file, &LoadOptions::default(), |transformer| {
        for run in items(&expected("smollm2.json")["greedy"]) {
            let mut session = Session::new(transformer, &cpu, 256, CacheType::F32).expect("it fits in memory");
            let mut logits = session.feed_ids(&ids(&run["ids"]));
            assert_eq!(items(&run["steps"]).len(), 32);
            for (step, given) in items(&run["steps"]).iter().enumerate() {
                let token = |rank: &str| given[rank][0].as_u64().expect("an id") as u32;
                let margin =
                    given["best"][1].as_f64().expect("a logit") - given["second"][1].as_f64().expect("a logit");
                let found = argmax(&logits);
                let same = found == token("best") || (margin <= CLOSE && found == token("second"));
                assert!(same, "{}, step {step}: token {found}, expected {given}", run["prompt"]);
                logits = session.feed_ids(&[token("best")]);
            }
        }
    });
}

#[test]
fn token_ids_are_those_of_llama_cpp() {
    let Some(file) = file() else { return };
    let tokenizer = Tokenizer::from_gguf(&file, &TokenizerOptions::default()).expect("a tokenizer");
    for case in items(&expected("smollm2.json")["tokenize"]) {
        let text = case["text"].as_str().expect("a text");
        assert_eq!(tokenizer.encode(text, RAW).expect("ids"), ids(&case["ids"]), "{text:?}");
    }
}

#[test]
fn a_question_gets_its_answer() {
    let Some(file) = file() else { return };
    let tokenizer = Tokenizer::from_gguf(&file, &TokenizerOptions::default()).expect("a tokenizer");
    let template = ChatTemplate::from_gguf(&file, &tokenizer).expect("a template");
    let prompt = template.render(&[Message::new("user", "What is the capital of France?")], true).expect("a prompt");
    let (cpu, tokenizer) = (cpu(), Arc::new(tokenizer));
    with_model(&file, &LoadOptions::default(), |transformer| {
        let mut session = Session::new(transformer, &cpu, 256, CacheType::F16).expect("it fits in memory");
        let mut sampler = SamplerChain::new(SamplerOptions::greedy()).expect("a sampler");
        let (mut answer, options) = (String::new(), GenerateOptions { max_tokens: 24, ..GenerateOptions::default() });
        let mut collect = |text: &str| {
            answer.push_str(text);
            ControlFlow::Continue(())
        };
        let tokenizer = tokenizer.clone().for_model(transformer.model).expect("of one file");
        let prompt = tokenizer.prompt(&prompt).expect("tokens");
        session.generate(&prompt, &tokenizer, &mut sampler, &options, &mut collect).expect("an answer");
        assert!(answer.contains("Paris"), "{answer}");
    });
}
