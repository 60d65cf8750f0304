//! The tokens of a batch become plain rows, which do not know their positions.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

fn step<B: Axis, P: Axis, S: Axis, M: Model>(
    x: Tensor<f32, (B, S, Hidden<M>)>,
    step: Uniform<B, P, S>,
) -> Tensor<f32, (Uniform<B, P, S>, Hidden<M>)> {
    x.rows()
}

fn main() {}
