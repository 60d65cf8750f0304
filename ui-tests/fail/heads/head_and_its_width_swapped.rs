//! The elements of a head are taken for the outer axis and the heads for the inner.
#![allow(unused)]
use trine::prelude::*;

fn heads<B: Axis, S: Axis, M: Model>(
    queries: Tensor<f32, (B, S, QWidth<M>)>,
) -> Tensor<f32, (B, S, HeadDim<M>, Heads<M>)> {
    queries.split()
}

fn main() {}
