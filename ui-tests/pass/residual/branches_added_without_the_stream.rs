//! A sum of branches is a branch, and the stream is added to.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

fn parallel<T: Step, M: Model>(
    cpu: &Cpu,
    residual: Residual<T, Hidden<M>>,
    attended: Tensor<f32, (T, Branch<Hidden<M>>)>,
    fed: Tensor<f32, (T, Branch<Hidden<M>>)>,
) -> Tensor<f32, (T, Hidden<M>)> {
    cpu.add_branch(residual, cpu.add(attended, fed.view()))
}

fn main() {}
