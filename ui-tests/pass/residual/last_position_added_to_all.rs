//! Both tensors have all positions of the step.
#![allow(unused)]
use trine::{kernels::*, model::*, shapes::*};

fn residual<T: Step, M: Model>(
    cpu: &Cpu,
    x: &mut Tensor<f32, (T, Hidden<M>)>,
    y: View<f32, (T, Hidden<M>)>,
) {
    cpu.add_assign(x, y);
}

fn main() {}
