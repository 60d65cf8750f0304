//! In their step, the tokens of a batch know their positions.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

fn step<B: Axis, P: Axis, S: Axis, M: Model>(
    x: Tensor<f32, (B, S, Hidden<M>)>,
    step: Uniform<B, P, S>,
) -> Tensor<f32, (Uniform<B, P, S>, Hidden<M>)> {
    x.in_step(step)
}

fn main() {}
