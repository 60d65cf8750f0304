//! Query heads side by side have the width of the queries.
#![allow(unused)]
use trine::prelude::*;

fn merged<B: Axis, S: Axis, M: Model>(
    attended: Tensor<f32, (B, S, Heads<M>, HeadDim<M>)>,
) -> Tensor<f32, (B, S, QWidth<M>)> {
    attended.merge()
}

fn main() {}
