//! A matrix names its outputs, then its inputs.
#![allow(unused)]
use trine::prelude::*;

fn up<B: Axis, S: Axis, M: Model>(
    cpu: &Cpu,
    x: &Activations<B, S, Hidden<M>>,
    weight: &Linear<Ffn<M>, Hidden<M>>,
) -> Tensor<f32, (B, S, Ffn<M>)> {
    cpu.linear(x, weight)
}

fn main() {}
