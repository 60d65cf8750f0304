//! The head has the axes of the embedding, so a model can use one matrix for both.
#![allow(unused)]
use trine::prelude::*;

fn logits<B: Axis, S: Axis, M: Model>(
    cpu: &Cpu,
    h: &Activations<B, S, Normed<OutputNorm, Hidden<M>>>,
    head: &Linear<Vocab<M>, Hidden<M>>,
) -> Tensor<f32, (B, S, Vocab<M>)> {
    cpu.logits(h, head)
}

fn main() {}
