//! The matrix of the queries has the width of the queries.
#![allow(unused)]
use trine::prelude::*;

fn queries<B: Axis, S: Axis, M: Model>(
    cpu: &Cpu,
    h: &Activations<B, S, Hidden<M>>,
    weight: &Linear<QWidth<M>, Hidden<M>>,
) -> Tensor<f32, (B, S, QWidth<M>)> {
    cpu.linear(h, weight)
}

fn main() {}
