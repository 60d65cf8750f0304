//! Logits are one row for each position of each sequence.
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
