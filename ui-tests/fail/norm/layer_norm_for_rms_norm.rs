//! A LayerNorm, which subtracts the mean, is given where an RMSNorm, which does not, is meant.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

struct LayerNorm<R, A> {
    gain: RmsNorm<R, A>,
    bias: Tensor<f32, (A,)>,
}

fn attention_input<T: Axis, M: Model>(
    cpu: &Cpu,
    x: Tensor<f32, (T, Hidden<M>)>,
    norm: &LayerNorm<AttnNorm, Hidden<M>>,
) {
    cpu.rms_norm(x, norm);
}

fn main() {}
