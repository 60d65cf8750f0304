//! A gate goes through another activation than that of the model.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

fn gated<T: Axis, M: Model>(
    cpu: &Cpu,
    network: &SwiGlu<M>,
    gate: Tensor<f32, (T, Gate<Ffn<M>>)>,
    up: Tensor<f32, (T, Ffn<M>)>,
) {
    cpu.gated(GateActivation::Silu, gate, up);
}

fn main() {}
