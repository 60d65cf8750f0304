//! The elements of a head are the inner axis.
#![allow(unused)]
use trine::prelude::*;

fn heads<B: Axis, S: Axis, M: Model>(
    queries: Tensor<f32, (B, S, QWidth<M>)>,
) -> Tensor<f32, (B, S, Heads<M>, HeadDim<M>)> {
    queries.split()
}

fn main() {}
