//! Values are floating-point numbers.
#![allow(unused)]
use trine::prelude::*;

fn residual<B: Axis, S: Axis, M: Model>(
    cpu: &Cpu,
    x: &mut Tensor<f32, (B, S, Hidden<M>)>,
    y: View<f32, (B, S, Hidden<M>)>,
) {
    cpu.add_assign(x, y);
}

fn main() {}
