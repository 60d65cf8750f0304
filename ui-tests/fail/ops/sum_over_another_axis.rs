//! A mean is taken over an axis that the tensor does not have.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

fn pooled<T: Plain, M: Model>(
    cpu: &Cpu,
    x: Tensor<f32, (T, Hidden<M>)>,
    ffn: Ffn<M>,
) -> Tensor<f32, (Hidden<M>,)> {
    cpu.mean(x.view(), ffn)
}

fn main() {}
