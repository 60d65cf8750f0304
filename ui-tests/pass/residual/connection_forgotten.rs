//! The norm gives the stream back in two parts, and adding the branch puts them together.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

fn block<T: Axis, M: Model>(
    cpu: &Cpu,
    residual: Residual<T, Hidden<M>>,
    branch: Tensor<f32, (T, Branch<Hidden<M>>)>,
    ffn_norm: &RmsNorm<FfnNorm, Hidden<M>>,
) {
    cpu.pre_norm(cpu.add_branch(residual, branch), ffn_norm);
}

fn main() {}
