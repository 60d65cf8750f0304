//! Each sequence has a mean.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

fn pooled<T: Step, M: Model>(cpu: &Cpu, x: Tensor<f32, (T, Hidden<M>)>) {
    let tokens = x.shape().0;
    cpu.mean_of_sequences(x.view());
}

fn main() {}
