//! The feed-forward network takes what its own norm has made.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

fn before_ffn<T: Axis, M: Model>(
    cpu: &Cpu,
    model: M,
    h: Tensor<f32, (T, Normed<AttnNorm, Hidden<M>>)>,
    x: Tensor<f32, (T, Hidden<M>)>,
    norm: &RmsNorm<FfnNorm, Hidden<M>>,
) -> Option<Tensor<f32, (T, Normed<FfnNorm, Hidden<M>>)>> {
    Some(cpu.rms_norm(x, norm))
}

fn main() {}
