//! The normed copy of the residual stream is added back to it.
#![allow(unused)]
use trine::{kernels::*, model::*, shapes::*};

fn residual<T: Axis, M: Model>(
    cpu: &Cpu,
    x: &mut Tensor<f32, (T, Hidden<M>)>,
    h: Tensor<f32, (T, Normed<FfnNorm, Hidden<M>>)>,
    y: Tensor<f32, (T, Hidden<M>)>,
) {
    cpu.add_assign(x, h.view());
}

fn main() {}
