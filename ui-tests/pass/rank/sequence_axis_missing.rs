//! The residual stream has an axis for the positions, also where there is only one.
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
