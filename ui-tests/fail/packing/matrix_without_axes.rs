//! A matrix is used before anyone has said what its rows and columns are.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

fn up<T: Axis, M: Model>(
    cpu: &Cpu,
    h: &Activations<T, Hidden<M>>,
    weight: &Matrix,
) -> Tensor<f32, (T, Ffn<M>)> {
    cpu.linear(h, weight)
}

fn main() {}
