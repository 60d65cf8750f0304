//! `plain` takes the role off first, in so many words.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

fn scaled<T: Step, M: Model>(
    cpu: &Cpu,
    h: Tensor<f32, (T, Normed<FfnNorm, Hidden<M>>)>,
) {
    cpu.scale(h.plain(), 0.5);
}

fn main() {}
