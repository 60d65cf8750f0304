//! A head that is the embedding says so.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

parameters! {
    struct Tokens<M: Model> = "token_embd.weight": Embedding<Matrix, Vocab<M>, Hidden<M>>;
}

fn logits<T: Axis, M: Model>(
    cpu: &Cpu,
    h: &Activations<T, Normed<OutputNorm, Hidden<M>>>,
    tokens: &Tokens<M>,
) -> Tensor<f32, (T, Vocab<M>)> {
    cpu.logits(h, &tokens.tied_head())
}

fn main() {}
