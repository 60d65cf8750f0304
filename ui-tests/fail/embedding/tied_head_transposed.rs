//! The embedding is transposed to serve as the head.
#![allow(unused)]
use trine::prelude::*;

fn logits<B: Axis, S: Axis, M: Model>(
    cpu: &Cpu,
    h: &Activations<B, S, Normed<OutputNorm, Hidden<M>>>,
    head: &Linear<Hidden<M>, Vocab<M>>,
) -> Tensor<f32, (B, S, Vocab<M>)> {
    cpu.logits(h, head)
}

fn main() {}
