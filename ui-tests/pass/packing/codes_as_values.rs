//! Values are floating-point numbers.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

fn residual<T: Step, M: Model>(
    cpu: &Cpu,
    x: Tensor<f32, (T, Hidden<M>)>,
    y: Tensor<f32, (T, Hidden<M>)>,
) {
    cpu.add(x, y.view());
}

fn main() {}
