//! The batch is the outer axis; the positions of a sequence lie side by side.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

fn step<'b, 's, P: Axis, M: Model>(
    by_position: Tensor<f32, (Seq<'s>, Batch<'b>, Hidden<M>)>,
    by_sequence: Tensor<f32, (Batch<'b>, Seq<'s>, Hidden<M>)>,
    step: Uniform<Batch<'b>, P, Seq<'s>>,
) {
    by_sequence.in_step(step);
}

fn main() {}
