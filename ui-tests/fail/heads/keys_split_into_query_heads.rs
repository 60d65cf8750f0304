//! Keys are split into as many heads as the queries have.
#![allow(unused)]
use trine::prelude::*;

fn heads<B: Axis, S: Axis, M: Model>(
    keys: Tensor<f32, (B, S, KvWidth<M>)>,
) -> Tensor<f32, (B, S, Heads<M>, HeadDim<M>)> {
    keys.split()
}

fn main() {}
