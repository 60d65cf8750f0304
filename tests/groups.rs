//! The embedded model, trained and not random, in the types with a scale for each group of columns: the same logits bit
//! for bit, and what quantized activations cost.

use crate::api::*;
use crate::support::{cpu, logits_of, tokens, with_model};

/// A fable, in words that the model knows.
const TEXT: &str = "\
Once upon a time a fox lived at the edge of a dark wood. One evening she saw a crow in an old tree, and the crow \
had a piece of cheese in her beak. The fox was hungry, so she sat down under the tree and looked up. \"Good \
evening, my dear,\" said the fox. \"How fine your feathers are! I have never seen a bird so black and so bright. \
If only your voice were as fine as your dress, you would be the queen of all the birds.\" The crow was so \
pleased with these words that she wished to show the fox how well she could sing. She lifted up her head, opened \
her beak, and began to cry; but the cheese fell down to the ground, and the fox ate it at once. \"Thank you,\" \
said the fox, \"that was a good supper. And now I will give you something for it: do not believe everyone who \
praises you.\" Then she went back into the wood. The crow was ashamed, and she said to herself that she would \
never be so foolish again. But the next day there came a boy with a loaf of bread, and he sat down on a stone \
near the tree, and when he had eaten he gave the rest of it to the old crow, who had not sung a single note.";

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

/// Perplexity with the activations that models of groups have by default is at most a thousandth above that of exact
/// ones, as it is with llama.cpp's blocks of 32. On so short a text rounding moves it either way.
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
        assert!((0.997..1.001).contains(&(found / exact)), "{mode}: {found}, exact activations {exact}");
    }
}
