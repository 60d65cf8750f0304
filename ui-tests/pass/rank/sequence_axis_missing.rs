//! The residual stream has a row for each token of the step, also where a sequence has only one.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

fn attention_input<T: Step, M: Model>(
    cpu: &Cpu,
    x: Tensor<f32, (T, Hidden<M>)>,
    norm: &RmsNorm<AttnNorm, Hidden<M>>,
) -> Tensor<f32, (T, Normed<AttnNorm, Hidden<M>>)> {
    cpu.rms_norm(x, norm)
}

fn main() {}
