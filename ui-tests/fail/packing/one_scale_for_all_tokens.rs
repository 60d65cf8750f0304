//! All tokens are quantized as if they were one: with one scale for the tensor.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

fn keys<T: Axis, M: Model>(
    cpu: &Cpu,
    x: Tensor<f32, (Fixed<1>, Flat<T, Hidden<M>>)>,
    key: &Weight<Matrix, KvWidth<M>, Hidden<M>>,
) {
    cpu.linear(&Activations::new(x), key);
}

fn main() {}
