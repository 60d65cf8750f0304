//! Activations that a matrix may already have quantized are quantized again.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

fn projections<T: Axis, M: Model>(
    cpu: &Cpu,
    h: Activations<T, Hidden<M>>,
    key: &Weight<Matrix, KvWidth<M>, Hidden<M>>,
) -> Tensor<f32, (T, KvWidth<M>)> {
    let again = Activations::new(h);
    cpu.linear(&again, key)
}

fn main() {}
