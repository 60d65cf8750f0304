//! The head has the axes of the embedding, so a model can use one matrix for both.
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
