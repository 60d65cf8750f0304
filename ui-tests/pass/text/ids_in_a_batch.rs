//! The index of the largest logit is a token.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

fn best<B: Plain, M: Model>(
    cpu: &Cpu,
    logits: Tensor<f32, (B, Vocab<M>)>,
) -> Tensor<Idx<Vocab<M>>, (B,)> {
    cpu.argmax(logits.view())
}

fn main() {}
