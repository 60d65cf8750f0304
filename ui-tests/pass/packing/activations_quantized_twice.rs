//! Activations are made once, from values, and shared by every matrix that takes them.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

fn projections<T: Axis, M: Model>(
    cpu: &Cpu,
    h: Activations<T, Hidden<M>>,
    key: &Weight<Matrix, KvWidth<M>, Hidden<M>>,
) -> Tensor<f32, (T, KvWidth<M>)> {
    let again = h;
    cpu.linear(&again, key)
}

fn main() {}
