//! What is added is what attention or the feed-forward network has made of the normed copy.
#![allow(unused)]
use trine::prelude::*;

fn residual<B: Axis, S: Axis, M: Model>(
    cpu: &Cpu,
    x: &mut Tensor<f32, (B, S, Hidden<M>)>,
    h: Tensor<f32, (B, S, Normed<FfnNorm, Hidden<M>>)>,
    y: Tensor<f32, (B, S, Hidden<M>)>,
) {
    cpu.add_assign(x, y.view());
}

fn main() {}
