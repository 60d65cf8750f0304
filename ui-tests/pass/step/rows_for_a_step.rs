//! Behind their past, the tokens of a batch are those of a step.
#![allow(unused)]
use trine::{kernels::*, model::*, shapes::*};

fn step<B: Axis, P: Axis, S: Axis, M: Model>(
    x: Tensor<f32, (B, S, Hidden<M>)>,
    past: P,
) -> Tensor<f32, (Uniform<B, P, S>, Hidden<M>)> {
    x.behind(past)
}

fn main() {}
