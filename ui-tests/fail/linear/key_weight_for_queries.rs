//! Queries are made with the matrix of the keys, which has fewer heads.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

fn queries<T: Axis, M: Model>(
    cpu: &Cpu,
    h: &Activations<T, Hidden<M>>,
    weight: &Weight<Matrix, KvWidth<M>, Hidden<M>>,
) -> Tensor<f32, (T, QWidth<M>)> {
    cpu.linear(h, weight)
}

fn main() {}
