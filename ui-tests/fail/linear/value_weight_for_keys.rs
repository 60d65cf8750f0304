//! Keys are made with the matrix of the values, which is as large.
#![allow(unused)]
use trine::prelude::*;

fn keys<B: Axis, S: Axis, M: Model>(
    cpu: &Cpu,
    h: &Activations<B, S, Normed<AttnNorm, Hidden<M>>>,
    block: &Layer<M>,
) -> Tensor<f32, (B, S, KvWidth<M>)> {
    cpu.linear(h, &block.value)
}

fn main() {}
