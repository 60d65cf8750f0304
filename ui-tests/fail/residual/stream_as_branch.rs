//! The residual stream is added to itself, as if it were what attention made of it.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

fn block<T: Step, M: Model>(
    cpu: &Cpu,
    x: Tensor<f32, (T, Hidden<M>)>,
    branch: Tensor<f32, (T, Branch<Hidden<M>>)>,
    norm: &RmsNorm<AttnNorm, Hidden<M>>,
) {
    let (h, residual) = cpu.pre_norm(x.clone(), norm);
    cpu.add_branch(residual, x);
}

fn main() {}
