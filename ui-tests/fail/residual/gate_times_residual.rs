//! The gate of the feed-forward network is multiplied with the residual stream, not with the up projection.
#![allow(unused)]
use trine::prelude::*;

fn gated<B: Axis, S: Axis, M: Model>(
    cpu: &Cpu,
    gate: Tensor<f32, (B, S, Gate<Ffn<M>>)>,
    up: View<f32, (B, S, Ffn<M>)>,
    x: View<f32, (B, S, Hidden<M>)>,
) {
    cpu.gated(GateActivation::ReluSquared, gate, x);
}

fn main() {}
