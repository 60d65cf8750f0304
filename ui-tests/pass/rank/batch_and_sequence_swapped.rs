//! Sequences are always the outer axis.
#![allow(unused)]
use trine::prelude::*;

fn residual<'b, 's, M: Model>(
    cpu: &Cpu,
    x: &mut Tensor<f32, (Batch<'b>, Seq<'s>, Hidden<M>)>,
    y: View<f32, (Batch<'b>, Seq<'s>, Hidden<M>)>,
) {
    cpu.add_assign(x, y);
}

fn main() {}
