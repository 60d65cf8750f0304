//! The output of a norm is multiplied, and would still claim to be normalised.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

fn scaled<T: Step, M: Model>(
    cpu: &Cpu,
    h: Tensor<f32, (T, Normed<FfnNorm, Hidden<M>>)>,
) {
    cpu.scale(h, 0.5);
}

fn main() {}
