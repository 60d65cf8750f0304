//! A position comes with all its heads.
#![allow(unused)]
use trine::prelude::*;

fn rotated<T: Step, M: Model>(
    cpu: &Cpu,
    q: Tensor<f32, (T, Heads<M>, HeadDim<M>)>,
    rope: &Rope<HeadDim<M>>,
    at: Plus<P, S>,
) -> Tensor<f32, (T, Heads<M>, Rotated<HeadDim<M>>)> {
    cpu.rope(q, rope, at)
}

fn main() {}
