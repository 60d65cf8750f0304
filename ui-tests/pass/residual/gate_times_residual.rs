//! Gate and up projection have the inner width.
#![allow(unused)]
use trine::{kernels::*, model::*, shapes::*};

fn gated<T: Axis, M: Model>(
    cpu: &Cpu,
    gate: Tensor<f32, (T, Gate<Ffn<M>>)>,
    up: View<f32, (T, Ffn<M>)>,
    x: View<f32, (T, Hidden<M>)>,
) {
    cpu.gated(GateActivation::ReluSquared, gate, up);
}

fn main() {}
