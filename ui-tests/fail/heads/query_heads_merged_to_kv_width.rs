//! Query heads are merged to the width of keys and values, of which there are fewer heads.
#![allow(unused)]
use trine::prelude::*;

fn merged<B: Axis, S: Axis, M: Model>(
    attended: Tensor<f32, (B, S, Heads<M>, HeadDim<M>)>,
) -> Tensor<f32, (B, S, KvWidth<M>)> {
    attended.merge()
}

fn main() {}
