//! The axis is named by its value, and its place follows.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

fn pooled<T: Plain, M: Model>(
    cpu: &Cpu,
    x: Tensor<f32, (T, Hidden<M>)>,
    ffn: Ffn<M>,
) -> Tensor<f32, (Hidden<M>,)> {
    cpu.mean(x.view(), x.shape().0)
}

fn main() {}
