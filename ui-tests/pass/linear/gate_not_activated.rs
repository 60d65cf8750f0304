//! The down projection takes what was gated.
#![allow(unused)]
use trine::prelude::*;

fn down<B: Axis, S: Axis, M: Model>(
    cpu: &Cpu,
    gate: Activations<B, S, Gate<Ffn<M>>>,
    gated: Activations<B, S, Ffn<M>>,
    down: &Linear<Hidden<M>, Ffn<M>>,
) -> Tensor<f32, (B, S, Hidden<M>)> {
    cpu.linear(&gated, down)
}

fn main() {}
