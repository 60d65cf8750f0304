//! The tokens are not said to be an axis without a role.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

fn activated<T, M: Model>(cpu: &Cpu, x: Tensor<f32, (T, Hidden<M>)>) {
    cpu.map(x, Function::Silu);
}

fn main() {}
