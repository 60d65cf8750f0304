//! Keys are made with their own matrix.
#![allow(unused)]
use trine::prelude::*;

fn keys<T: Axis, M: Model>(
    cpu: &Cpu,
    h: &Activations<T, Normed<AttnNorm, Hidden<M>>>,
    block: &Layer<M>,
) -> Tensor<f32, (T, KvWidth<M>)> {
    cpu.linear(h, &block.key)
}

fn main() {}
