//! The positions of one sequence are added to those of another.
#![allow(unused)]
use trine::prelude::*;

fn residual<B: Axis, M: Model>(
    cpu: &Cpu,
    x: &mut Tensor<f32, (B, Fixed<8>, Hidden<M>)>,
    y: View<f32, (B, Fixed<5>, Hidden<M>)>,
) {
    cpu.add_assign(x, y);
}

fn main() {}
