//! Two ragged steps are open, and tensors of both are added.
#![allow(unused)]
use trine::{kernels::*, model::*, shapes::*};

fn residual<'one, 'two: 'one, M: Model>(
    cpu: &Cpu,
    x: &mut Tensor<f32, (Ragged<'one>, Hidden<M>)>,
    y: View<f32, (Ragged<'two>, Hidden<M>)>,
) {
    cpu.add_assign(x, y);
}

fn main() {}
