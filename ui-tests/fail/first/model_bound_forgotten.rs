//! `M` is not said to be a model.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

fn activated<T: Roleless, M>(cpu: &Cpu, x: Tensor<f32, (T, Hidden<M>)>) {
    cpu.map(x, Function::Silu);
}

fn main() {}
