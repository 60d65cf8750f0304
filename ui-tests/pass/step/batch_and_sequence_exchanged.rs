//! The batch is the outer axis; the positions of a sequence lie side by side.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

fn step<B: Axis, P: Axis, S: Axis, M: Model>(
    by_position: Tensor<f32, (S, B, Hidden<M>)>,
    by_sequence: Tensor<f32, (B, S, Hidden<M>)>,
    step: Uniform<B, P, S>,
) {
    by_sequence.in_step(step);
}

fn main() {}
