//! The activation stands beside the weights of its network.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

fn gated<T: Axis, M: Model>(
    cpu: &Cpu,
    network: &SwiGlu<M>,
    gate: Tensor<f32, (T, Gate<Ffn<M>>)>,
    up: Tensor<f32, (T, Ffn<M>)>,
) {
    cpu.gated(network.gating, gate, up);
}

fn main() {}
