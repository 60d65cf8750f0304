//! Positions of the step are given as those before it.
#![allow(unused)]
use trine::{kernels::*, model::*, shapes::*};

fn positioned<'p, 's, B: Axis, M: Model>(
    x: Tensor<f32, (B, Seq<'s>, Hidden<M>)>,
    past: Past<'p>,
) -> Tensor<f32, (Uniform<B, Seq<'s>, Past<'p>>, Hidden<M>)> {
    x.behind(past)
}

fn main() {}
