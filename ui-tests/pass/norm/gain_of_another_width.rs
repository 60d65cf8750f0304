//! The norm before attention is over the residual stream.
#![allow(unused)]
use trine::prelude::*;

fn attention_input<B: Axis, S: Axis, M: Model>(
    cpu: &Cpu,
    x: View<f32, (B, S, Hidden<M>)>,
    norm: &RmsNorm<AttnNorm, Hidden<M>>,
) -> Tensor<f32, (B, S, Normed<AttnNorm, Hidden<M>>)> {
    cpu.rms_norm(x, norm)
}

fn main() {}
