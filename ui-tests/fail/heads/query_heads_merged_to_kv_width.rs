#![allow(unused)]
use trine::prelude::*;

fn merged<B: Axis, S: Axis, M: Model>(
    attended: Tensor<f32, (B, S, Heads<M>, HeadDim<M>)>,
) -> Tensor<f32, (B, S, KvWidth<M>)> {
    attended.merge()
}
fn main() {}
