//! The matrix of the queries has the width of the queries.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

fn queries<T: Axis, M: Model>(
    cpu: &Cpu,
    h: &Activations<T, Hidden<M>>,
    weight: &Weight<Matrix, QWidth<M>, Hidden<M>>,
) -> Tensor<f32, (T, QWidth<M>)> {
    cpu.linear(h, weight)
}

fn main() {}
