//! What is added is a branch, which the output projection made.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

fn block<T: Step, M: Model>(
    cpu: &Cpu,
    x: Tensor<f32, (T, Hidden<M>)>,
    branch: Tensor<f32, (T, Branch<Hidden<M>>)>,
    norm: &RmsNorm<AttnNorm, Hidden<M>>,
) {
    let (h, residual) = cpu.pre_norm(x.clone(), norm);
    cpu.add_branch(residual, branch);
}

fn main() {}
