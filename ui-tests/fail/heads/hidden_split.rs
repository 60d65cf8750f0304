//! The residual stream is split into heads, but only the queries, keys and values consist of heads.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

fn heads<T: Axis, M: Model>(
    x: Tensor<f32, (T, Hidden<M>)>,
) -> Tensor<f32, (T, Heads<M>, HeadDim<M>)> {
    x.split()
}

fn main() {}
