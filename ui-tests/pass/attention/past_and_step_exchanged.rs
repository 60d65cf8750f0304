//! Earlier positions come first, then those of the step.
#![allow(unused)]
use trine::{kernels::*, model::*, shapes::*};

fn positioned<'p, 's, B: Axis, M: Model>(
    x: Tensor<f32, (B, Seq<'s>, Hidden<M>)>,
    past: Past<'p>,
) -> Tensor<f32, (Uniform<B, Past<'p>, Seq<'s>>, Hidden<M>)> {
    x.behind(past)
}

fn main() {}
