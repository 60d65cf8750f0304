//! The rows behind each sequence of a batch are taken for rows of its positions.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

fn next<B: Axis, P: Axis, S: Axis, M: Model>(
    last: Tensor<f32, (Sequences<Uniform<B, P, S>>, Vocab<M>)>,
) -> Tensor<f32, (S, Vocab<M>)> {
    last.batched()
}

fn main() {}
