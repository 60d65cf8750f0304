//! The norm is applied; an architecture that has none says so itself (`LacksNorm`).
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

enum Bitnet {}
fn before_output<T: Axis, M: Model>(
    cpu: &Cpu,
    attended: Tensor<f32, (T, QWidth<M>)>,
    sub_norm: &RmsNorm<AttnSubNorm, QWidth<M>>,
) -> Tensor<f32, (T, Normed<AttnSubNorm, QWidth<M>>)> {
    cpu.rms_norm(attended, sub_norm)
}

fn main() {}
