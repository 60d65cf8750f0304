//! The head of a tied model is multiplied as a linear layer, so that nothing asks for the norm before it.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

fn logits<T: Axis, M: Model>(
    cpu: &Cpu,
    x: Tensor<f32, (T, Hidden<M>)>,
    norm: &RmsNorm<OutputNorm, Hidden<M>>,
    embedding: &Embedding<Matrix, Vocab<M>, Hidden<M>>,
) -> Tensor<f32, (T, Vocab<M>)> {
    cpu.linear(&Activations::new(x), embedding)
}

fn main() {}
