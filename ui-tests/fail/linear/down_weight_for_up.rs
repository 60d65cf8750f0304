//! The up projection is made with the matrix of the down projection.
#![allow(unused)]
use trine::prelude::*;

fn up<T: Axis, M: Model>(
    cpu: &Cpu,
    h: &Activations<T, Normed<FfnNorm, Hidden<M>>>,
    block: &Layer<M>,
) -> Tensor<f32, (T, Ffn<M>)> {
    cpu.linear(h, &block.down)
}

fn main() {}
