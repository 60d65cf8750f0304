//! Logits are of what the output norm has made.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

fn logits<T: Axis, M: Model>(
    cpu: &Cpu,
    x: Tensor<f32, (T, Hidden<M>)>,
    norm: &RmsNorm<OutputNorm, Hidden<M>>,
    embedding: &Embedding<Matrix, Vocab<M>, Hidden<M>>,
) -> Tensor<f32, (T, Vocab<M>)> {
    cpu.logits(&Activations::new(cpu.rms_norm(x, norm)), &embedding.tied_head())
}

fn main() {}
