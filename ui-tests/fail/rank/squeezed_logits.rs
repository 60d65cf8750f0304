//! The logits lose their axis of tokens on the way out.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

fn logits<T: Axis, M: Model>(
    cpu: &Cpu,
    h: &Activations<T, Normed<OutputNorm, Hidden<M>>>,
    head: &Head<Matrix, Vocab<M>, Hidden<M>>,
) -> Tensor<f32, (Vocab<M>,)> {
    cpu.logits(h, head)
}

fn main() {}
