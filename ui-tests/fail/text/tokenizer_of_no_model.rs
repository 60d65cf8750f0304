//! A generation decodes with a tokenizer that belongs to no model.
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
    session.generate(prompt, of_any, &mut greedy, &options, print);
}

fn main() {}
