//! The residual stream is split into heads, but only the queries, keys and values consist of heads.
#![allow(unused)]
use trine::prelude::*;

fn heads<B: Axis, S: Axis, M: Model>(
    x: Tensor<f32, (B, S, Hidden<M>)>,
) -> Tensor<f32, (B, S, Heads<M>, HeadDim<M>)> {
    x.split()
}

fn main() {}
