//! Keys are made with the matrix of the values, which is as large.
#![allow(unused)]
use trine::prelude::*;

fn keys<T: Axis, M: Model>(
    cpu: &Cpu,
    h: &Activations<T, Normed<AttnNorm, Hidden<M>>>,
    block: &Layer<M>,
) -> Tensor<f32, (T, KvWidth<M>)> {
    cpu.linear(h, &block.value)
}

fn main() {}
