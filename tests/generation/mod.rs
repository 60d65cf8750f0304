//! Generations as a program outside of the crates drives and extends them: by hand, as an iterator, with filters and a
//! sampler of its own. Only public items are used.

mod drivers;
mod grammar;
mod logprobs;

use crate::api::*;
use crate::support::{cpu, with_model};
use std::sync::Arc;

/// What the tests run on: the embedded model, perhaps with a shortlist.
struct Stories<M> {
    session: Session<M>,
    tokenizer: Arc<Tokenizer>,
    prompt: Vec<u32>,
}

/// Runs `body` on a fresh session of the embedded model with this prompt.
fn with_stories<R>(
    prompt: &str,
    positions: usize,
    shortlist: bool,
    body: impl for<'x> FnOnce(Stories<Dyn<'x>>) -> R,
) -> R {
    let (cpu, file) = (cpu(), trine::embedded_model().expect("a model"));
    let tokenizer = Arc::new(Tokenizer::from_gguf(&file, &TokenizerOptions::default()).expect("a tokenizer"));
    let prompt = tokenizer.encode(prompt, EncodeOptions::PROMPT).expect("a text");
    let shortlist = shortlist.then_some(MakeShortlist { progress: None });
    with_model(&file, &LoadOptions { shortlist, ..LoadOptions::default() }, |transformer| {
        let session = Session::new(transformer, &cpu, positions, CacheType::F32).expect("memory");
        body(Stories { session, tokenizer, prompt })
    })
}

/// A whole generation: its tokens, its text, and why it ended.
#[derive(Debug, PartialEq)]
struct Outcome {
    tokens: Vec<u32>,
    text: String,
    finish: Finish,
}
