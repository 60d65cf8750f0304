//! The block knows its matrices by name and role.
#![allow(unused)]
use trine::prelude::*;

fn up<B: Axis, S: Axis, M: Model>(
    cpu: &Cpu,
    h: &Activations<B, S, Normed<FfnNorm, Hidden<M>>>,
    block: &Layer<M>,
) -> Tensor<f32, (B, S, Ffn<M>)> {
    cpu.linear(h, &block.up)
}

fn main() {}
