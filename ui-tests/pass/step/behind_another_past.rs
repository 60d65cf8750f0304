//! Both have the same sequences, the same past and the same tokens.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

fn residual<'p, B: Axis, S: Axis, M: Model>(
    cpu: &Cpu,
    x: Tensor<f32, (Uniform<B, Past<'p>, S>, Hidden<M>)>,
    y: Tensor<f32, (Uniform<B, Past<'p>, S>, Hidden<M>)>,
) {
    cpu.add(x, y.view());
}

fn main() {}
