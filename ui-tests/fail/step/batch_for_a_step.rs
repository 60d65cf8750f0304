//! Queries of a batch are rotated, but a batch does not say at which positions they are.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

fn rotated<'b, T: Step, M: Model>(
    cpu: &Cpu,
    q: Tensor<f32, (Batch<'b>, Heads<M>, HeadDim<M>)>,
    rope: &Rope<HeadDim<M>>,
) {
    cpu.rope(q, rope);
}

fn main() {}
