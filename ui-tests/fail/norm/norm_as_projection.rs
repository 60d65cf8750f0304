//! The gains of a norm are given as the weights of a projection.
#![allow(unused)]
use trine::prelude::*;

fn queries<B: Axis, S: Axis, M: Model>(
    cpu: &Cpu,
    h: &Activations<B, S, Hidden<M>>,
    norm: &RmsNorm<AttnNorm, Hidden<M>>,
    query: &Linear<QWidth<M>, Hidden<M>>,
) -> Tensor<f32, (B, S, QWidth<M>)> {
    cpu.linear(h, norm)
}

fn main() {}
