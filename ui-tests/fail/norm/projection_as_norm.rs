//! The weights of a projection are given as the gains of a norm.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

fn attention_input<T: Axis, M: Model>(
    cpu: &Cpu,
    x: Tensor<f32, (T, Hidden<M>)>,
    norm: &RmsNorm<AttnNorm, Hidden<M>>,
    query: &Weight<Matrix, Hidden<M>, Hidden<M>>,
) {
    cpu.rms_norm(x, query);
}

fn main() {}
