//! One tensor has its sequences outside and its positions inside, the other the reverse.
#![allow(unused)]
use trine::{kernels::*, model::*, shapes::*};

fn residual<'b, 's, P: Axis, M: Model>(
    cpu: &Cpu,
    x: &mut Tensor<f32, (Uniform<Batch<'b>, P, Seq<'s>>, Hidden<M>)>,
    y: View<f32, (Uniform<Seq<'s>, P, Batch<'b>>, Hidden<M>)>,
) {
    cpu.add_assign(x, y);
}

fn main() {}
