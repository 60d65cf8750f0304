//! A matrix is used the wrong way round: its inputs are taken for its outputs.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

fn up<T: Axis, M: Model>(
    cpu: &Cpu,
    x: &Activations<T, Hidden<M>>,
    weight: &Weight<Matrix, Hidden<M>, Ffn<M>>,
) -> Tensor<f32, (T, Ffn<M>)> {
    cpu.linear(x, weight)
}

fn main() {}
