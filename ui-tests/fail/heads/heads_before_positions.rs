//! Heads stand before positions, as other libraries order them for attention.
#![allow(unused)]
use trine::prelude::*;

fn rotated<T: Step, M: Model>(
    cpu: &Cpu,
    q: Tensor<f32, (B, Heads<M>, S, HeadDim<M>)>,
    rope: &Rope<HeadDim<M>>,
    at: Plus<P, S>,
) -> Tensor<f32, (T, Heads<M>, Rotated<HeadDim<M>>)> {
    cpu.rope(q, rope, at)
}

fn main() {}
