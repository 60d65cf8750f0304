//! A projection is a matrix with an axis of outputs and one of inputs.
#![allow(unused)]
use trine::prelude::*;

fn queries<B: Axis, S: Axis, M: Model>(
    cpu: &Cpu,
    h: &Activations<B, S, Hidden<M>>,
    norm: &RmsNorm<AttnNorm, Hidden<M>>,
    query: &Linear<QWidth<M>, Hidden<M>>,
) -> Tensor<f32, (B, S, QWidth<M>)> {
    cpu.linear(h, query)
}

fn main() {}
