//! Heads are merged to the residual stream; that takes the output projection.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

fn merged<T: Axis, M: Model>(
    attended: Tensor<f32, (T, Heads<M>, HeadDim<M>)>,
) -> Tensor<f32, (T, Hidden<M>)> {
    attended.merge()
}

fn main() {}
