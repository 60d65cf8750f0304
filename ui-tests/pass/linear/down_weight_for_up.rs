//! The block knows its matrices by name and role.
#![allow(unused)]
use trine::prelude::*;

fn up<T: Axis, M: Model>(
    cpu: &Cpu,
    h: &Activations<T, Normed<FfnNorm, Hidden<M>>>,
    block: &Layer<M>,
) -> Tensor<f32, (T, Ffn<M>)> {
    cpu.linear(h, &block.up)
}

fn main() {}
