//! Int8 codes are used as if they were the values that they stand for.
#![allow(unused)]
use trine::prelude::*;

fn residual<B: Axis, S: Axis, M: Model>(
    cpu: &Cpu,
    x: &mut Tensor<f32, (B, S, Hidden<M>)>,
    y: View<i8, (B, S, Hidden<M>)>,
) {
    cpu.add_assign(x, y);
}

fn main() {}
