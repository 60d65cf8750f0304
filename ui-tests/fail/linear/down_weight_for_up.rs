//! The up projection is made with the matrix of the down projection.
#![allow(unused)]
use trine::prelude::*;

fn up<B: Axis, S: Axis, M: Model>(
    cpu: &Cpu,
    h: &Activations<B, S, Normed<FfnNorm, Hidden<M>>>,
    block: &Layer<M>,
) -> Tensor<f32, (B, S, Ffn<M>)> {
    cpu.linear(h, &block.down)
}

fn main() {}
