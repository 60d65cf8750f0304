//! Keys have key/value heads.
#![allow(unused)]
use trine::prelude::*;

fn heads<B: Axis, S: Axis, M: Model>(
    keys: Tensor<f32, (B, S, KvWidth<M>)>,
) -> Tensor<f32, (B, S, KvHeads<M>, HeadDim<M>)> {
    keys.split()
}

fn main() {}
