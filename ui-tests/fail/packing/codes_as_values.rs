//! Int8 codes are used as if they were the values that they stand for.
#![allow(unused)]
use trine::{kernels::*, model::*, shapes::*};

fn residual<T: Axis, M: Model>(
    cpu: &Cpu,
    x: &mut Tensor<f32, (T, Hidden<M>)>,
    y: View<i8, (T, Hidden<M>)>,
) {
    cpu.add_assign(x, y);
}

fn main() {}
