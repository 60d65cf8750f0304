//! The mean over the tokens of a step mixes its sequences.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

fn pooled<T: Step, M: Model>(cpu: &Cpu, x: Tensor<f32, (T, Hidden<M>)>) {
    let tokens = x.shape().0;
    cpu.mean(x.view(), tokens);
}

fn main() {}
