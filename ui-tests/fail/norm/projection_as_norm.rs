//! The weights of a projection are given as the gains of a norm.
#![allow(unused)]
use trine::{kernels::*, model::*, shapes::*};

fn attention_input<T: Axis, M: Model>(
    cpu: &Cpu,
    x: View<f32, (T, Hidden<M>)>,
    norm: &RmsNorm<AttnNorm, Hidden<M>>,
    query: &Weight<Matrix, Hidden<M>, Hidden<M>>,
) {
    cpu.rms_norm(x, query);
}

fn main() {}
