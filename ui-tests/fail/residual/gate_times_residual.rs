//! The gate of the feed-forward network is multiplied with the residual stream, not with the up projection.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

fn gated<T: Axis, M: Model>(
    cpu: &Cpu,
    network: &SwiGlu<M>,
    gate: Tensor<f32, (T, Gate<Ffn<M>>)>,
    up: Tensor<f32, (T, Ffn<M>)>,
    x: Tensor<f32, (T, Hidden<M>)>,
) {
    cpu.gated(network.gating, gate, x);
}

fn main() {}
