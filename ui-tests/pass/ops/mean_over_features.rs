//! Tokens go, features stay.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

fn pooled<T: Plain, M: Model>(
    cpu: &Cpu,
    x: Tensor<f32, (T, Hidden<M>)>,
    tokens: T,
    hidden: Hidden<M>,
) -> Tensor<f32, (Hidden<M>,)> {
    cpu.mean(x.view(), tokens)
}

fn main() {}
