//! Query heads side by side have the width of the queries.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

fn merged<T: Axis, M: Model>(
    attended: Tensor<f32, (T, Heads<M>, HeadDim<M>)>,
) -> Tensor<f32, (T, QWidth<M>)> {
    attended.merge()
}

fn main() {}
