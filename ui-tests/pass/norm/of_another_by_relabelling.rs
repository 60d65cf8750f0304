//! The feed-forward network takes what its own norm has made.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

fn before_ffn<T: Axis, M: Model>(
    cpu: &Cpu,
    h: Tensor<f32, (T, Normed<AttnNorm, Hidden<M>>)>,
    x: Tensor<f32, (T, Hidden<M>)>,
    norm: &RmsNorm<FfnNorm, Hidden<M>>,
    (of_ffn, same): (Normed<FfnNorm, Hidden<M>>, Same<Hidden<M>, Hidden<M>>),
) {
    cpu.rms_norm(x, norm);
}

fn main() {}
