//! A matrix names its outputs, then its inputs.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

fn up<T: Axis, M: Model>(
    cpu: &Cpu,
    x: &Activations<T, Hidden<M>>,
    weight: &Weight<Matrix, Ffn<M>, Hidden<M>>,
) -> Tensor<f32, (T, Ffn<M>)> {
    cpu.linear(x, weight)
}

fn main() {}
