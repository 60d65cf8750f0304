//! The residual stream has an axis for the positions, also where there is only one.
#![allow(unused)]
use trine::prelude::*;

fn attention_input<T: Axis, M: Model>(
    cpu: &Cpu,
    x: View<f32, (T, Hidden<M>)>,
    norm: &RmsNorm<AttnNorm, Hidden<M>>,
) -> Tensor<f32, (T, Normed<AttnNorm, Hidden<M>>)> {
    cpu.rms_norm(x, norm)
}

fn main() {}
