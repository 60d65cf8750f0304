//! The branch has all positions of the step.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

fn block<T: Step, M: Model>(
    cpu: &Cpu,
    residual: Residual<T, Hidden<M>>,
    branch: Tensor<f32, (T, Branch<Hidden<M>>)>,
) {
    cpu.add_branch(residual, branch);
}

fn main() {}
