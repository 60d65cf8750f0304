//! Both tensors are of one model.
#![allow(unused)]
use trine::{kernels::*, model::*, shapes::*};

pinned_model! { struct Draft; }
pinned_model! { struct Target; }

fn residual<T: Axis>(
    cpu: &Cpu,
    x: &mut Tensor<f32, (T, Hidden<Draft>)>,
    y: View<f32, (T, Hidden<Draft>)>,
) {
    cpu.add_assign(x, y);
}

fn main() {}
