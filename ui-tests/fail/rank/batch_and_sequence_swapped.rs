//! One tensor has its sequences outside and its positions inside, the other the reverse.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

fn residual<'b, 's, P: Axis, M: Model>(
    cpu: &Cpu,
    x: Tensor<f32, (Uniform<Batch<'b>, P, Seq<'s>>, Hidden<M>)>,
    y: Tensor<f32, (Uniform<Seq<'s>, P, Batch<'b>>, Hidden<M>)>,
) {
    cpu.add(x, y.view());
}

fn main() {}
