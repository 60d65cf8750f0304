//! Queries are rotated a second time.
#![allow(unused)]
use trine::prelude::*;

fn rotated<B: Axis, P: Axis, S: Axis, M: Model>(
    cpu: &Cpu,
    q: Tensor<f32, (B, S, Heads<M>, Rotated<HeadDim<M>>)>,
    rope: &Rope<HeadDim<M>>,
    at: Plus<P, S>,
) {
    cpu.rope(q, rope, at);
}

fn main() {}
