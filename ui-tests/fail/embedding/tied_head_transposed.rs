//! The embedding is transposed to serve as the head.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

fn logits<T: Axis, M: Model>(
    cpu: &Cpu,
    h: &Activations<T, Normed<OutputNorm, Hidden<M>>>,
    head: &Weight<Matrix, Hidden<M>, Vocab<M>>,
) -> Tensor<f32, (T, Vocab<M>)> {
    cpu.logits(h, head)
}

fn main() {}
