//! The gate goes on to the down projection without its activation.
#![allow(unused)]
use trine::prelude::*;

fn down<B: Axis, S: Axis, M: Model>(
    cpu: &Cpu,
    gate: Activations<B, S, Gate<Ffn<M>>>,
    gated: Activations<B, S, Ffn<M>>,
    down: &Linear<Hidden<M>, Ffn<M>>,
) -> Tensor<f32, (B, S, Hidden<M>)> {
    cpu.linear(&gate, down)
}

fn main() {}
