//! A norm is applied to what it has already made.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

fn attention_input<T: Axis, M: Model>(
    cpu: &Cpu,
    x: Tensor<f32, (T, Hidden<M>)>,
    norm: &RmsNorm<AttnNorm, Hidden<M>>,
) -> Tensor<f32, (T, Normed<AttnNorm, Hidden<M>>)> {
    let h = cpu.rms_norm(x, norm);
    cpu.rms_norm(h, norm)
}

fn main() {}
