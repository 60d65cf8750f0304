//! What is added to the residual stream has its width.
#![allow(unused)]
use trine::prelude::*;

fn residual<B: Axis, S: Axis, M: Model>(
    cpu: &Cpu,
    x: &mut Tensor<f32, (B, S, Hidden<M>)>,
    y: Tensor<f32, (B, S, Hidden<M>)>,
) {
    cpu.add_assign(x, y.view());
}

fn main() {}
