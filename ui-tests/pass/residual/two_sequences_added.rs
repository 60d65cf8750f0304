//! Both tensors are of one sequence.
#![allow(unused)]
use trine::prelude::*;

fn residual<B: Axis, M: Model>(
    cpu: &Cpu,
    x: &mut Tensor<f32, (B, Fixed<8>, Hidden<M>)>,
    y: View<f32, (B, Fixed<8>, Hidden<M>)>,
) {
    cpu.add_assign(x, y);
}

fn main() {}
