//! The best tokens of a batch are read from its logits as numbers.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

fn best<B: Plain, M: Model>(
    cpu: &Cpu,
    logits: Tensor<f32, (B, Vocab<M>)>,
) -> Tensor<Idx<Vocab<M>>, (B,)> {
    cpu.max(logits.view(), logits.shape().1)
}

fn main() {}
