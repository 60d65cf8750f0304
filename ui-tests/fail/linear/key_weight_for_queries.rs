//! Queries are made with the matrix of the keys, which has fewer heads.
#![allow(unused)]
use trine::prelude::*;

fn queries<B: Axis, S: Axis, M: Model>(
    cpu: &Cpu,
    h: &Activations<B, S, Hidden<M>>,
    weight: &Linear<KvWidth<M>, Hidden<M>>,
) -> Tensor<f32, (B, S, QWidth<M>)> {
    cpu.linear(h, weight)
}

fn main() {}
