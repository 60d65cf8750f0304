//! A norm that the model has is skipped.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

enum Bitnet {}
fn before_output<T: Axis, M: Model>(
    cpu: &Cpu,
    attended: Tensor<f32, (T, QWidth<M>)>,
    sub_norm: &RmsNorm<AttnSubNorm, QWidth<M>>,
) -> Tensor<f32, (T, Normed<AttnSubNorm, QWidth<M>>)> {
    attended.without_norm(NoNorm::of::<Bitnet>())
}

fn main() {}
