//! The sequences of a rectangular step are its batch.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

fn next<B: Axis, P: Axis, S: Axis, M: Model>(
    last: Tensor<f32, (Sequences<Uniform<B, P, S>>, Vocab<M>)>,
) -> Tensor<f32, (B, Vocab<M>)> {
    last.batched()
}

fn main() {}
