//! Logits are one row for each token of each sequence.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

fn logits<T: Axis, M: Model>(
    cpu: &Cpu,
    h: &Activations<T, Normed<OutputNorm, Hidden<M>>>,
    head: &Head<Matrix, Vocab<M>, Hidden<M>>,
) -> Tensor<f32, (T, Vocab<M>)> {
    cpu.logits(h, head)
}

fn main() {}
