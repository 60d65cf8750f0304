//! The result of attention has a sub-norm of its own.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

fn attention_output<T: Axis, M: Model>(
    cpu: &Cpu,
    attended: Tensor<f32, (T, QWidth<M>)>,
    ffn_sub_norm: &RmsNorm<FfnSubNorm, Ffn<M>>,
    attn_sub_norm: &RmsNorm<AttnSubNorm, QWidth<M>>,
) {
    cpu.rms_norm(attended, attn_sub_norm);
}

fn main() {}
