//! A position comes with all its heads.
#![allow(unused)]
use trine::prelude::*;

fn rotated<B: Axis, P: Axis, S: Axis, M: Model>(
    cpu: &Cpu,
    q: Tensor<f32, (B, S, Heads<M>, HeadDim<M>)>,
    rope: &Rope<HeadDim<M>>,
    at: Plus<P, S>,
) -> Tensor<f32, (B, S, Heads<M>, Rotated<HeadDim<M>>)> {
    cpu.rope(q, rope, at)
}

fn main() {}
