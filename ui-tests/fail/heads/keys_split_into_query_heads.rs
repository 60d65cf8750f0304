//! Keys are split into as many heads as the queries have.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

fn heads<T: Axis, M: Model>(
    keys: Tensor<f32, (T, KvWidth<M>)>,
) -> Tensor<f32, (T, Heads<M>, HeadDim<M>)> {
    keys.split()
}

fn main() {}
