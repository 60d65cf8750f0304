//! The norm of what attention adds is applied to the stream.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

type Gains<M> = RmsNorm<PostAttnNorm, Hidden<M>>;
fn normed<T: Step, M: Model>(cpu: &Cpu, x: Tensor<f32, (T, Hidden<M>)>, norm: &Gains<M>) {
    cpu.branch_norm(x, norm);
}

fn main() {}
