//! Query heads are merged to the width of keys and values, of which there are fewer heads.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

fn merged<T: Axis, M: Model>(
    attended: Tensor<f32, (T, Heads<M>, HeadDim<M>)>,
) -> Tensor<f32, (T, KvWidth<M>)> {
    attended.merge()
}

fn main() {}
