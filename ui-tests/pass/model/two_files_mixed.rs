//! Both tensors are of one file.
#![allow(unused)]
use trine::{kernels::*, model::*, shapes::*};

fn mixed(cpu: &Cpu, a: Dims, b: Dims) {
    Dyn::scope(a, |a| {
        Dyn::scope(b, |b| {
            let mut x: Tensor<f32, (Fixed<1>, Hidden<_>)> = Tensor::zeros((Fixed, Hidden::of(a)));
            let y: Tensor<f32, (Fixed<1>, Hidden<_>)> = Tensor::zeros((Fixed, Hidden::of(a)));
            cpu.add_assign(&mut x, y.view());
        })
    })
}

fn main() {}
