//! The gate is made with the matrix of the up projection, which is as large.
#![allow(unused)]
use trine::prelude::*;

fn gated<T: Axis, M: Model>(
    cpu: &Cpu,
    h: &Activations<T, Normed<FfnNorm, Hidden<M>>>,
    block: &Layer<M>,
    up: View<f32, (T, Ffn<M>)>,
) -> Tensor<f32, (T, Ffn<M>)> {
    cpu.gated(GateActivation::ReluSquared, cpu.linear(h, &block.up), up)
}

fn main() {}
