//! Tensors of two models that were loaded from files are added.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

fn mixed<'a, 'b: 'a>(
    cpu: &Cpu,
    x: Tensor<f32, (Fixed<1>, Hidden<Dyn<'a>>)>,
    y: Tensor<f32, (Fixed<1>, Hidden<Dyn<'a>>)>,
    of_other: Tensor<f32, (Fixed<1>, Hidden<Dyn<'b>>)>,
) {
    cpu.add(x, of_other.view());
}

fn main() {}
