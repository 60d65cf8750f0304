//! Text is generated from an empty cache, without a prompt.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

fn story<M: Model>(session: &mut Session<M>, tokenizer: &ModelTokenizer<M>, sampler: &mut SamplerChain, prompt: &[Idx<Vocab<M>>]) {
    let options = GenerateOptions::default();
    let print = &mut |_: &str| std::ops::ControlFlow::Continue(());
    session.generate(tokenizer, sampler, &options, print);
}

fn main() {}
