//! Generations as a program outside of the crates drives and extends them: by hand, as an iterator, with filters and a
//! sampler of its own. Only public items are used.

mod drivers;
mod grammar;
mod logprobs;
mod speculation;

use crate::api::*;
use crate::support::{cpu, with_model};

/// What the tests run on: the embedded model, perhaps with a shortlist.
struct Stories<M> {
    session: Session<M>,
    tokenizer: ModelTokenizer<M>,
    prompt: Vec<Idx<Vocab<M>>>,
}

/// Runs `body` on a fresh session of the embedded model with this prompt.
fn with_stories<R>(
    prompt: &str,
    positions: usize,
    shortlist: bool,
    body: impl for<'x> FnOnce(Stories<Dyn<'x>>) -> R,
) -> R {
    let (cpu, file) = (cpu(), trine::embedded_model().expect("a model"));
    let tokenizer = Tokenizer::from_gguf(&file, &TokenizerOptions::default()).expect("a tokenizer");
    let shortlist = shortlist.then_some(MakeShortlist { progress: None });
    with_model(&file, &LoadOptions { shortlist, ..LoadOptions::default() }, |transformer| {
        let session = Session::new(transformer, &cpu, positions, CacheType::F32).expect("memory");
        let tokenizer = tokenizer.for_model(transformer.model).expect("of one file");
        let prompt = tokenizer.prompt(prompt).expect("a text");
        body(Stories { session, tokenizer, prompt })
    })
}

/// The ids of some tokens.
fn ids<A: Axis>(tokens: &[Idx<A>]) -> Vec<u32> {
    tokens.iter().map(|token| token.get() as u32).collect()
}

/// A whole generation: its tokens, its text, and why it ended.
#[derive(Debug, PartialEq)]
struct Outcome {
    tokens: Vec<u32>,
    text: String,
    finish: Finish,
}
