//! Heads are merged to the residual stream; that takes the output projection.
#![allow(unused)]
use trine::prelude::*;

fn merged<B: Axis, S: Axis, M: Model>(
    attended: Tensor<f32, (B, S, Heads<M>, HeadDim<M>)>,
) -> Tensor<f32, (B, S, Hidden<M>)> {
    attended.merge()
}

fn main() {}
