//! Queries are rotated a second time.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

fn rotated<T: Step, M: Model>(
    cpu: &Cpu,
    q: Tensor<f32, (T, Heads<M>, Rotated<HeadDim<M>>)>,
    rope: &Rope<HeadDim<M>>,
) {
    cpu.rope(q, rope);
}

fn main() {}
