//! The elements of a head are taken for the outer axis and the heads for the inner.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

fn heads<T: Axis, M: Model>(
    queries: Tensor<f32, (T, QWidth<M>)>,
) -> Tensor<f32, (T, HeadDim<M>, Heads<M>)> {
    queries.split()
}

fn main() {}
