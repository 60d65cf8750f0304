//! Positions are given to the rotation, and could be others than those of the queries.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

fn rotated<B: Axis, P: Axis, S: Axis, M: Model>(
    cpu: &Cpu,
    q: Tensor<f32, (Uniform<B, P, S>, Heads<M>, HeadDim<M>)>,
    rope: &Rope<HeadDim<M>>,
    at: Plus<P, S>,
) {
    cpu.rope(q, rope, at);
}

fn main() {}
