//! The gate is made with its own matrix.
#![allow(unused)]
use trine::prelude::*;

fn gated<T: Axis, M: Model>(
    cpu: &Cpu,
    h: &Activations<T, Normed<FfnNorm, Hidden<M>>>,
    block: &Layer<M>,
    up: View<f32, (T, Ffn<M>)>,
) -> Tensor<f32, (T, Ffn<M>)> {
    cpu.gated(GateActivation::ReluSquared, cpu.linear(h, &block.gate), up)
}

fn main() {}
