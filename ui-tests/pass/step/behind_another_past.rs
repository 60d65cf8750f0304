//! Both have the same sequences, the same past and the same tokens.
#![allow(unused)]
use trine::{kernels::*, model::*, shapes::*};

fn residual<'p, B: Axis, S: Axis, M: Model>(
    cpu: &Cpu,
    x: &mut Tensor<f32, (Uniform<B, Past<'p>, S>, Hidden<M>)>,
    y: View<f32, (Uniform<B, Past<'p>, S>, Hidden<M>)>,
) {
    cpu.add_assign(x, y);
}

fn main() {}
