//! The logits lose their axis of positions on the way out.
#![allow(unused)]
use trine::prelude::*;

fn logits<B: Axis, S: Axis, M: Model>(
    cpu: &Cpu,
    h: &Activations<B, S, Normed<OutputNorm, Hidden<M>>>,
    head: &Linear<Vocab<M>, Hidden<M>>,
) -> Tensor<f32, (B, Vocab<M>)> {
    cpu.logits(h, head)
}

fn main() {}
