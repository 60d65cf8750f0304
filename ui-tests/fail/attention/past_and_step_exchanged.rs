//! Positions of the step are given as those before it.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

fn positioned<'p, 's, B: Axis, M: Model>(
    x: Tensor<f32, (B, Seq<'s>, Hidden<M>)>,
    step: Uniform<B, Past<'p>, Seq<'s>>,
) -> Tensor<f32, (Uniform<B, Seq<'s>, Past<'p>>, Hidden<M>)> {
    x.in_step(step)
}

fn main() {}
