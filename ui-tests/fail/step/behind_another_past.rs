//! Two steps of equally many tokens are added, but one begins its sequences and the other goes on behind a past.
#![allow(unused)]
use trine::{kernels::*, model::*, shapes::*};

fn residual<'p, B: Axis, S: Axis, M: Model>(
    cpu: &Cpu,
    x: &mut Tensor<f32, (Uniform<B, Past<'p>, S>, Hidden<M>)>,
    y: View<f32, (Uniform<B, Fixed<0>, S>, Hidden<M>)>,
) {
    cpu.add_assign(x, y);
}

fn main() {}
