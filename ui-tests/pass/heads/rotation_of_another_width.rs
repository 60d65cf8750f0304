//! The table of a rotation is as wide as a head.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

fn rotated<T: Step, M: Model>(
    cpu: &Cpu,
    k: Tensor<f32, (T, KvHeads<M>, HeadDim<M>)>,
    wide: &Rope<KvWidth<M>>,
    rope: &Rope<HeadDim<M>>,
) {
    cpu.rope(k, rope);
}

fn main() {}
