//! The residual connection is left out: the next norm is of the branch alone.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

fn block<T: Axis, M: Model>(
    cpu: &Cpu,
    residual: Residual<T, Hidden<M>>,
    branch: Tensor<f32, (T, Branch<Hidden<M>>)>,
    ffn_norm: &RmsNorm<FfnNorm, Hidden<M>>,
) {
    cpu.pre_norm(branch, ffn_norm);
}

fn main() {}
