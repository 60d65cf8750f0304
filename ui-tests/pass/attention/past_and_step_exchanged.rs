//! Earlier positions come first, then those of the step.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

fn positioned<'p, 's, B: Axis, M: Model>(
    x: Tensor<f32, (B, Seq<'s>, Hidden<M>)>,
    step: Uniform<B, Past<'p>, Seq<'s>>,
) -> Tensor<f32, (Uniform<B, Past<'p>, Seq<'s>>, Hidden<M>)> {
    x.in_step(step)
}

fn main() {}
