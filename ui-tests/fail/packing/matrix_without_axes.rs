//! A matrix is used before anyone has said what its rows and columns are.
#![allow(unused)]
use trine::prelude::*;

fn up<B: Axis, S: Axis, M: Model>(
    cpu: &Cpu,
    h: &Activations<B, S, Hidden<M>>,
    weight: &Matrix,
) -> Tensor<f32, (B, S, Ffn<M>)> {
    cpu.linear(h, weight)
}

fn main() {}
