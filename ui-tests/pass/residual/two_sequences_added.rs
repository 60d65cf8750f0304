//! Both tensors are of one sequence.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

axis! { struct Question<'scope>; struct Answer<'scope>; }

fn residual<'q, 'a, B: Axis, P: Axis, M: Model>(
    cpu: &Cpu,
    x: Tensor<f32, (Uniform<B, P, Question<'q>>, Hidden<M>)>,
    y: Tensor<f32, (Uniform<B, P, Question<'q>>, Hidden<M>)>,
) {
    cpu.add(x, y.view());
}

fn main() {}
