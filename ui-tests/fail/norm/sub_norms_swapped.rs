//! The sub-norm of the feed-forward network is applied to the result of attention.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

fn attention_output<T: Axis, M: Model>(
    cpu: &Cpu,
    attended: Tensor<f32, (T, QWidth<M>)>,
    ffn_sub_norm: &RmsNorm<FfnSubNorm, Ffn<M>>,
    attn_sub_norm: &RmsNorm<AttnSubNorm, QWidth<M>>,
) {
    cpu.rms_norm(attended, ffn_sub_norm);
}

fn main() {}
