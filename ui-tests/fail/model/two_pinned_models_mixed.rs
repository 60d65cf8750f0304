//! Tensors of two models are added, each of which has a name.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

pinned_model! { struct Draft; }
pinned_model! { struct Target; }

fn residual<T: Step>(
    cpu: &Cpu,
    x: Tensor<f32, (T, Hidden<Draft>)>,
    y: Tensor<f32, (T, Hidden<Target>)>,
) {
    cpu.add(x, y.view());
}

fn main() {}
