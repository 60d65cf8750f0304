//! A step knows the position of each of its tokens.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

fn rotated<'b, T: Step, M: Model>(
    cpu: &Cpu,
    q: Tensor<f32, (T, Heads<M>, HeadDim<M>)>,
    rope: &Rope<HeadDim<M>>,
) {
    cpu.rope(q, rope);
}

fn main() {}
