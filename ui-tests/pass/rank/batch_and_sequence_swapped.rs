//! Sequences are always the outer axis.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

fn residual<'b, 's, P: Axis, M: Model>(
    cpu: &Cpu,
    x: Tensor<f32, (Uniform<Batch<'b>, P, Seq<'s>>, Hidden<M>)>,
    y: Tensor<f32, (Uniform<Batch<'b>, P, Seq<'s>>, Hidden<M>)>,
) {
    cpu.add(x, y.view());
}

fn main() {}
