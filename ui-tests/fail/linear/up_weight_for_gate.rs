//! The gate is made with the matrix of the up projection, which is as large.
#![allow(unused)]
use trine::prelude::*;

fn gated<B: Axis, S: Axis, M: Model>(
    cpu: &Cpu,
    h: &Activations<B, S, Normed<FfnNorm, Hidden<M>>>,
    block: &Layer<M>,
    up: View<f32, (B, S, Ffn<M>)>,
) -> Tensor<f32, (B, S, Ffn<M>)> {
    cpu.gated(GateActivation::ReluSquared, cpu.linear(h, &block.up), up)
}

fn main() {}
