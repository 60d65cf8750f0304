//! The embedding of a file is multiplied with as if it were a head.
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
    cpu.logits(h, tokens)
}

fn main() {}
