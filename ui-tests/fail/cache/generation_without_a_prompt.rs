//! Text is generated from an empty cache, without a prompt.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

fn story<M: Model>(session: &mut Session<M>, tokenizer: &ModelTokenizer<M>, prompt: &[Idx<Vocab<M>>]) {
    let (options, mut greedy) = (GenerateOptions::default(), SamplerChain::greedy());
    let print = &mut |_: &str| std::ops::ControlFlow::Continue(());
    session.generate(tokenizer, &mut greedy, &options, print);
}

fn main() {}
