//! Each token has a row and a scale of its own.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

fn keys<T: Axis, M: Model>(
    cpu: &Cpu,
    x: Tensor<f32, (T, Hidden<M>)>,
    key: &Weight<Matrix, KvWidth<M>, Hidden<M>>,
) {
    cpu.linear(&Activations::new(x), key);
}

fn main() {}
