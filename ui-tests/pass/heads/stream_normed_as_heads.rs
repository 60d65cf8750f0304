//! The norm of the stream says in the type what it made.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

fn normed<B: Axis, S: Axis, M: Model>(
    cpu: &Cpu,
    x: Tensor<f32, (B, S, Hidden<M>)>,
    norm: &RmsNorm<AttnNorm, Hidden<M>>,
) {
    cpu.rms_norm(x.rows(), norm);
}

fn main() {}
