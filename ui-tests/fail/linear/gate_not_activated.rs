//! The gate goes on to the down projection without its activation.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

fn down<T: Axis, M: Model>(
    cpu: &Cpu,
    gate: Activations<T, Gate<Ffn<M>>>,
    gated: Activations<T, Ffn<M>>,
    down: &Weight<Matrix, Hidden<M>, Ffn<M>>,
) -> Tensor<f32, (T, Hidden<M>)> {
    cpu.linear(&gate, down)
}

fn main() {}
