//! The normed copy of the residual stream is added back to it.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

fn block<T: Axis, M: Model>(
    cpu: &Cpu,
    residual: Residual<T, Hidden<M>>,
    h: Tensor<f32, (T, Normed<FfnNorm, Hidden<M>>)>,
    branch: Tensor<f32, (T, Branch<Hidden<M>>)>,
) -> Tensor<f32, (T, Hidden<M>)> {
    cpu.add_branch(residual, h)
}

fn main() {}
