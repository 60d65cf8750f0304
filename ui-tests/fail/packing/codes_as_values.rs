//! Int8 codes are used as if they were the values that they stand for.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

fn residual<T: Step, M: Model>(
    cpu: &Cpu,
    x: Tensor<f32, (T, Hidden<M>)>,
    y: View<i8, (T, Hidden<M>)>,
) {
    cpu.add(x, y.view());
}

fn main() {}
