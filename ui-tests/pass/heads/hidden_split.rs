//! The queries consist of heads.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

fn heads<T: Axis, M: Model>(
    x: Tensor<f32, (T, QWidth<M>)>,
) -> Tensor<f32, (T, Heads<M>, HeadDim<M>)> {
    x.split()
}

fn main() {}
