//! Keys are made with their own matrix.
#![allow(unused)]
use trine::prelude::*;

fn keys<B: Axis, S: Axis, M: Model>(
    cpu: &Cpu,
    h: &Activations<B, S, Normed<AttnNorm, Hidden<M>>>,
    block: &Layer<M>,
) -> Tensor<f32, (B, S, KvWidth<M>)> {
    cpu.linear(h, &block.key)
}

fn main() {}
