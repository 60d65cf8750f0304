//! Keys have key/value heads.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

fn heads<T: Axis, M: Model>(
    keys: Tensor<f32, (T, KvWidth<M>)>,
) -> Tensor<f32, (T, KvHeads<M>, HeadDim<M>)> {
    keys.split()
}

fn main() {}
