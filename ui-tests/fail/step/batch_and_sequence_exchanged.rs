//! Sequences are taken for positions and positions for sequences when a batch becomes a step.
#![allow(unused)]
use trine::{kernels::*, model::*, shapes::*};

fn step<B: Axis, P: Axis, S: Axis, M: Model>(
    x: Tensor<f32, (S, B, Hidden<M>)>,
    past: P,
) -> Tensor<f32, (Uniform<B, P, S>, Hidden<M>)> {
    x.behind(past)
}

fn main() {}
