//! The norm before attention is over the residual stream.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

fn attention_input<T: Axis, M: Model>(
    cpu: &Cpu,
    x: Tensor<f32, (T, Hidden<M>)>,
    norm: &RmsNorm<AttnNorm, Hidden<M>>,
) -> Tensor<f32, (T, Normed<AttnNorm, Hidden<M>>)> {
    cpu.rms_norm(x, norm)
}

fn main() {}
