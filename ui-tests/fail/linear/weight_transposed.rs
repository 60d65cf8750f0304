//! A matrix is used the wrong way round: its inputs are taken for its outputs.
#![allow(unused)]
use trine::prelude::*;

fn up<B: Axis, S: Axis, M: Model>(
    cpu: &Cpu,
    x: &Activations<B, S, Hidden<M>>,
    weight: &Linear<Hidden<M>, Ffn<M>>,
) -> Tensor<f32, (B, S, Ffn<M>)> {
    cpu.linear(x, weight)
}

fn main() {}
