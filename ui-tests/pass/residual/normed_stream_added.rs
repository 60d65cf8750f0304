//! What is added is what attention or the feed-forward network has made of the normed copy.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

fn block<T: Axis, M: Model>(
    cpu: &Cpu,
    residual: Residual<T, Hidden<M>>,
    h: Tensor<f32, (T, Normed<FfnNorm, Hidden<M>>)>,
    branch: Tensor<f32, (T, Branch<Hidden<M>>)>,
) -> Tensor<f32, (T, Hidden<M>)> {
    cpu.add_branch(residual, branch)
}

fn main() {}
