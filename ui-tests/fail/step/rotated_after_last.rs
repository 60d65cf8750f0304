//! The last token of each sequence is rotated when its position is not known any more.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

fn rotated<T: Step, M: Model>(
    cpu: &Cpu,
    q: Tensor<f32, (Sequences<T>, Heads<M>, HeadDim<M>)>,
    rope: &Rope<HeadDim<M>>,
) {
    cpu.rope(q, rope);
}

fn main() {}
