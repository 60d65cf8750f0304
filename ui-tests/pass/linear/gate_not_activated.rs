//! The down projection takes what was gated.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

fn down<T: Axis, M: Model>(
    cpu: &Cpu,
    gate: Activations<T, Gate<Ffn<M>>>,
    gated: Activations<T, Ffn<M>>,
    down: &Weight<Matrix, Hidden<M>, Ffn<M>>,
) -> Tensor<f32, (T, Hidden<M>)> {
    cpu.linear(&gated, down)
}

fn main() {}
