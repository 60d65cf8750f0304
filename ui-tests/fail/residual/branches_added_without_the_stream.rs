//! Two branches are added up, and the sum is taken for the residual stream.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

fn parallel<T: Step, M: Model>(
    cpu: &Cpu,
    residual: Residual<T, Hidden<M>>,
    attended: Tensor<f32, (T, Branch<Hidden<M>>)>,
    fed: Tensor<f32, (T, Branch<Hidden<M>>)>,
) -> Tensor<f32, (T, Hidden<M>)> {
    cpu.add(attended, fed.view())
}

fn main() {}
