//! The embedded model, trained and not random, in the types with a scale for each group of columns: the same logits bit
//! for bit, and what quantized activations cost.

use crate::api::*;
use crate::support::{cpu, logits_of, tokens, with_model};

/// Fables, in words that the model knows.
const TEXT: &str = include_str!("fixtures/fables.txt");

const GROUPED: [TensorType; 3] = [TensorType::Q2_0, TensorType::PQ2_0, TensorType::PTQ1_0];

/// The embedded model in a file of another type.
fn converted(kind: TensorType) -> Gguf {
    let embedded = trine::embedded_model().expect("the embedded model");
    let Converted { writer, .. } = convert(&embedded, &Conversion::to(kind), &cpu(), &|_, _| ()).expect("one scale");
    let mut bytes = Vec::new();
    writer.write_to(&mut bytes).expect("a vector takes all");
    Gguf::from_bytes(kind.name(), bytes.into()).expect("a file")
}

fn ids(source: &Gguf) -> Vec<u32> {
    let tokenizer = source.tokenizer(&TokenizerOptions::default()).expect("a vocabulary");
    tokenizer.encode(TEXT, EncodeOptions::PROMPT).expect("a text")
}

#[test]
fn the_embedded_model_tells_the_same_story_in_groups() {
    let embedded = trine::embedded_model().expect("the embedded model");
    let ids = &ids(&embedded)[..40];
    let logits =
        |source: &Gguf| with_model(source, &LoadOptions::default(), |transformer| logits_of(&cpu(), transformer, ids));
    let expected = logits(&embedded);
    for kind in GROUPED {
        assert!(logits(&converted(kind)) == expected, "{kind}: other logits");
    }
}

/// Perplexity with the activations that models of groups have by default is within a thousandth of that of exact ones,
/// as it is with llama.cpp's blocks of 32.
#[test]
fn activations_of_groups_cost_next_to_nothing() {
    let file = converted(TensorType::PQ2_0);
    let ids = ids(&file);
    let windows = Windows { window: 128, stride: 64 };
    let measured = |mode: ActivationMode| {
        let options = LoadOptions { activations: Some(mode), ..LoadOptions::default() };
        with_model(&file, &options, |transformer| {
            let ids = tokens(transformer.model, &ids);
            let found = perplexity(transformer, &cpu(), CacheType::F32, &ids, windows, &|_, _| ());
            found.expect("a text").perplexity()
        })
    };
    let exact = measured(ActivationMode::F32);
    for mode in [ActivationMode::Int8PerGroup, ActivationMode::Q8_0] {
        let found = measured(mode);
        println!("{mode}: {found:.5}, exact {exact:.5}, ratio {:.6}", found / exact);
        assert!((0.999..1.001).contains(&(found / exact)), "{mode}: {found}, exact activations {exact}");
    }
}
