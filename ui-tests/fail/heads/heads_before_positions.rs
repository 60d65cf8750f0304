//! Heads stand before positions, as other libraries order them for attention.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

fn rotated<T: Step, M: Model>(
    cpu: &Cpu,
    q: Tensor<f32, (Heads<M>, T, HeadDim<M>)>,
    rope: &Rope<HeadDim<M>>,
) -> Tensor<f32, (T, Heads<M>, Rotated<HeadDim<M>>)> {
    cpu.rope(q, rope)
}

fn main() {}
