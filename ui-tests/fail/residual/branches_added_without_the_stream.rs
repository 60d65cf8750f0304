//! Two branches are added up, and the sum is taken for the residual stream.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

fn next_norm<T: Axis, M: Model>(cpu: &Cpu, x: Tensor<f32, (T, Hidden<M>)>) {}

fn parallel<T: Step, M: Model>(
    cpu: &Cpu,
    residual: Residual<T, Hidden<M>>,
    attended: Tensor<f32, (T, Branch<Hidden<M>>)>,
    fed: Tensor<f32, (T, Branch<Hidden<M>>)>,
) {
    let both = cpu.add(attended, fed.view());
    next_norm(cpu, both);
}

fn main() {}
