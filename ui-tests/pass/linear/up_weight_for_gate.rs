//! The gate is made with its own matrix.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

fn gated<T: Axis, M: Model>(
    ops: &impl Ops,
    h: &Activations<T, Normed<FfnNorm, Hidden<M>>>,
    network: &SwiGlu<M>,
    up: Tensor<f32, (T, Ffn<M>)>,
) -> Tensor<f32, (T, Ffn<M>)> {
    ops.gated(network.gating, ops.linear(h, &network.gate), up)
}

fn main() {}
