//! Both tensors are of one file.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

fn mixed<'a, 'b: 'a>(
    cpu: &Cpu,
    x: Tensor<f32, (Fixed<1>, Hidden<Dyn<'a>>)>,
    y: Tensor<f32, (Fixed<1>, Hidden<Dyn<'a>>)>,
    of_other: Tensor<f32, (Fixed<1>, Hidden<Dyn<'b>>)>,
) {
    cpu.add(x, y.view());
}

fn main() {}
