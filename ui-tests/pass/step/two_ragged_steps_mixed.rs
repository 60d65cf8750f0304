//! Both tensors are of one step.
#![allow(unused)]
use trine::{kernels::*, model::*, shapes::*};

fn residual<'one, 'two: 'one, M: Model>(
    cpu: &Cpu,
    x: &mut Tensor<f32, (Ragged<'one>, Hidden<M>)>,
    y: View<f32, (Ragged<'one>, Hidden<M>)>,
) {
    cpu.add_assign(x, y);
}

fn main() {}
