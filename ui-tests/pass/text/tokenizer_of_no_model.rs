//! The tokenizer is that of the model that generates.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

fn tell<M: Model>(
    session: &mut Session<M>,
    prompt: &[Idx<Vocab<M>>],
    of_any: &Tokenizer,
    tokenizer: &ModelTokenizer<M>,
) {
    let (options, mut greedy) = (GenerateOptions::default(), SamplerChain::greedy());
    let print = &mut |_: &str| std::ops::ControlFlow::Continue(());
    session.generate(prompt, tokenizer, &mut greedy, &options, print);
}

fn main() {}
