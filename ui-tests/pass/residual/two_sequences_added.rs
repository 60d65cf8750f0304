//! Both tensors are of one sequence.
#![allow(unused)]
use trine::{kernels::*, model::*, shapes::*};

axis! { struct Question<'scope>; struct Answer<'scope>; }

fn residual<'q, 'a, B: Axis, P: Axis, M: Model>(
    cpu: &Cpu,
    x: &mut Tensor<f32, (Uniform<B, P, Question<'q>>, Hidden<M>)>,
    y: View<f32, (Uniform<B, P, Question<'q>>, Hidden<M>)>,
) {
    cpu.add_assign(x, y);
}

fn main() {}
