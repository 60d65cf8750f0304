//! One tensor has its sequences outside and its positions inside, the other the reverse.
#![allow(unused)]
use trine::prelude::*;

fn residual<'b, 's, M: Model>(
    cpu: &Cpu,
    x: &mut Tensor<f32, (Batch<'b>, Seq<'s>, Hidden<M>)>,
    y: View<f32, (Seq<'s>, Batch<'b>, Hidden<M>)>,
) {
    cpu.add_assign(x, y);
}

fn main() {}
