//! Output heads that are rounded to another packing while a model is loaded.

use crate::api::*;
use crate::support::{assert_close, cpu, logits_of, open, with_model};
use std::sync::{Arc, Mutex};

const IDS: [u32; 6] = [3, 250, 17, 91, 5, 204];

/// Packings, and how far their rounding may move the logits of random weights.
const KINDS: [(PackingKind, f64); 4] =
    [(PackingKind::F16, 1e-3), (PackingKind::Q8_0, 1e-2), (PackingKind::Q6K, 3e-2), (PackingKind::Q4_0, 0.15)];

/// The packing of the embedding and of a head that is not tied to it.
fn kinds<M: Model>(transformer: &Transformer<M>) -> (PackingKind, Option<PackingKind>) {
    (transformer.embedding.data().kind(), (!transformer.is_tied()).then(|| transformer.head.data().kind()))
}

fn loads_with_head(name: &str, tied: bool) {
    let (cpu, file) = (cpu(), open(name));
    let expected = with_model(&file, &LoadOptions::default(), |transformer| {
        assert_eq!(kinds(transformer), (PackingKind::F32, (!tied).then_some(PackingKind::F32)), "{name}");
        logits_of(&cpu, transformer, &IDS)
    });
    for (kind, tolerance) in KINDS {
        let last = Mutex::new((0, 0));
        let progress = |done, total| {
            let mut last = last.lock().expect("no panic");
            *last = (last.0.max(done), total);
        };
        let head = Some(Requantize { kind, progress: Some(&progress) });
        with_model(&file, &LoadOptions { head, ..LoadOptions::default() }, |transformer| {
            let what = format!("{name} with a head of {}", kind.name());
            assert_eq!(kinds(transformer), (PackingKind::F32, Some(kind)), "{what}");
            assert_close(&what, &logits_of(&cpu, transformer, &IDS), &expected, tolerance);
            let rows = transformer.embedding.data().rows();
            assert_eq!(*last.lock().expect("no panic"), (rows, rows), "{what}");
        });
    }
}

#[test]
fn a_tied_head_is_a_rounded_copy_of_the_embedding() {
    loads_with_head("llama_cpp/bitnet-tq2_0.gguf", true);
}

#[test]
fn a_head_of_its_own_is_rounded() {
    loads_with_head("llama_cpp/llama-tq2_0.gguf", false);
}

#[test]
fn a_head_that_has_the_packing_stays_as_it_is() {
    let file = open("llama_cpp/llama-tq2_0-q6_k.gguf");
    let head = Some(Requantize { kind: PackingKind::Q6K, progress: None });
    let bytes = |options| with_model(&file, &options, |transformer| transformer.head.data().bytes().clone());
    assert_eq!(bytes(LoadOptions { head, ..LoadOptions::default() }), bytes(LoadOptions::default()));
}

#[test]
fn rows_that_are_no_whole_blocks_of_the_packing_are_refused() {
    let (cpu, file) = (cpu(), open("llama_cpp/llama-tied-f32.gguf"));
    let config = Config::from_gguf(&file).expect("a model");
    let head = Some(Requantize { kind: PackingKind::Q6K, progress: None });
    let options = LoadOptions { head, ..LoadOptions::default() };
    let error = Dyn::scope(config.dims, |model| load(model, &file, &cpu, &options).map(drop)).unwrap_err();
    let text = error.to_string();
    for part in ["llama-tied-f32.gguf", "token_embd.weight", "64 columns", "multiple of 256"] {
        assert!(text.contains(part), "{text}");
    }
}

/// What the embedded model generates with `sampler`, with and without a shortlist, and the logits that were left out.
fn generated(sampler: &SamplerOptions, shortlist: bool) -> (Vec<u32>, usize) {
    let (cpu, file) = (cpu(), trine::embedded_model().expect("a model"));
    let tokenizer = Arc::new(Tokenizer::from_gguf(&file, &TokenizerOptions::default()).expect("a tokenizer"));
    let shortlist = shortlist.then_some(MakeShortlist { progress: None });
    with_model(&file, &LoadOptions { shortlist, ..LoadOptions::default() }, |transformer| {
        let session = || Session::new(transformer, &cpu, 128, CacheType::F32).expect("memory");
        let tokenizer = tokenizer.clone().for_model(transformer.model).expect("of one file");
        let prompt = tokenizer.prompt("The little fox").expect("a text");
        let mut sampler = SamplerChain::new(sampler.clone()).expect("sound options");
        let logits = session().feed_for(&prompt, sampler.request()).expect("a prompt");
        let left_out = logits.tokens() - logits.len();
        let options = GenerateOptions { max_tokens: 100, ..GenerateOptions::default() };
        let mut ignore = |_: &str| ControlFlow::Continue(());
        let generated = session().generate(&prompt, &tokenizer, &mut sampler, &options, &mut ignore);
        let tokens = generated.expect("a generation").tokens;
        (tokens.iter().map(|token| token.get() as u32).collect(), left_out)
    })
}

#[test]
fn a_shortlist_changes_no_token() {
    let drawn = SamplerOptions { top_k: 8, seed: 5, ..SamplerOptions::default() };
    let penalized = SamplerOptions { repetition_penalty: 1.3, repetition_window: 9, temperature: 1.5, ..drawn.clone() };
    for sampler in [SamplerOptions::greedy(), drawn.clone(), penalized] {
        let ((expected, all), (found, left_out)) = (generated(&sampler, false), generated(&sampler, true));
        assert_eq!(found, expected, "{sampler:?}");
        assert!(all == 0 && left_out > 1000, "{sampler:?} left {left_out} of 2048 logits out");
    }
    for sampler in [SamplerOptions { top_k: 0, ..drawn.clone() }, SamplerOptions { repetition_penalty: 0.9, ..drawn }] {
        assert_eq!(generated(&sampler, true).1, 0, "{sampler:?}");
    }
}

#[test]
fn a_shortlist_of_a_quantized_head_is_refused() {
    let (cpu, file) = (cpu(), open("llama_cpp/llama-tq2_0-q6_k.gguf"));
    let config = Config::from_gguf(&file).expect("a model");
    let options = LoadOptions { shortlist: Some(MakeShortlist { progress: None }), ..LoadOptions::default() };
    let error = Dyn::scope(config.dims, |model| load(model, &file, &cpu, &options).map(drop)).unwrap_err();
    let text = error.to_string();
    for part in ["llama-tq2_0-q6_k.gguf", "output.weight", "q6_k", "F16"] {
        assert!(text.contains(part), "{text}");
    }
}
