//! The batch is the outer axis; the positions of a sequence lie side by side.
#![allow(unused)]
use trine::{kernels::*, model::*, shapes::*};

fn step<B: Axis, P: Axis, S: Axis, M: Model>(
    x: Tensor<f32, (B, S, Hidden<M>)>,
    past: P,
) -> Tensor<f32, (Uniform<B, P, S>, Hidden<M>)> {
    x.behind(past)
}

fn main() {}
