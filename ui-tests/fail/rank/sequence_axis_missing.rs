//! A tensor of whole sequences is expected, but this one has one row for each sequence.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

fn attention_input<T: Step, M: Model>(
    cpu: &Cpu,
    x: Tensor<f32, (Sequences<T>, Hidden<M>)>,
    norm: &RmsNorm<AttnNorm, Hidden<M>>,
) -> Tensor<f32, (T, Normed<AttnNorm, Hidden<M>>)> {
    cpu.rms_norm(x, norm)
}

fn main() {}
