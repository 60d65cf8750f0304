//! The elements of a head are the inner axis.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

fn heads<T: Axis, M: Model>(
    queries: Tensor<f32, (T, QWidth<M>)>,
) -> Tensor<f32, (T, Heads<M>, HeadDim<M>)> {
    queries.split()
}

fn main() {}
