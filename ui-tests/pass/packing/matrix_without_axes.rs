//! A matrix gets its axes once, when it is loaded and its size is checked.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

fn up<T: Axis, M: Model>(
    cpu: &Cpu,
    h: &Activations<T, Hidden<M>>,
    weight: &Weight<Matrix, Ffn<M>, Hidden<M>>,
) -> Tensor<f32, (T, Ffn<M>)> {
    cpu.linear(h, weight)
}

fn main() {}
