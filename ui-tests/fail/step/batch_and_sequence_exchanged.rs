//! The positions of a sequence are taken for the sequences of a batch.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

fn step<B: Axis, P: Axis, S: Axis, M: Model>(
    by_position: Tensor<f32, (S, B, Hidden<M>)>,
    by_sequence: Tensor<f32, (B, S, Hidden<M>)>,
    step: Uniform<B, P, S>,
) {
    by_position.in_step(step);
}

fn main() {}
