//! A generation begins with a prompt.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

fn story<M: Model>(session: &mut Session<M>, tokenizer: &ModelTokenizer<M>, prompt: &[Idx<Vocab<M>>]) {
    let (options, mut greedy) = (GenerateOptions::default(), SamplerChain::greedy());
    let print = &mut |_: &str| std::ops::ControlFlow::Continue(());
    session.generate(prompt, tokenizer, &mut greedy, &options, print);
}

fn main() {}
