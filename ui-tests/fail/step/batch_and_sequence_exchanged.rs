//! The positions of a sequence are taken for the sequences of a batch.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

fn step<'b, 's, P: Axis, M: Model>(
    by_position: Tensor<f32, (Seq<'s>, Batch<'b>, Hidden<M>)>,
    by_sequence: Tensor<f32, (Batch<'b>, Seq<'s>, Hidden<M>)>,
    step: Uniform<Batch<'b>, P, Seq<'s>>,
) {
    by_position.in_step(step);
}

fn main() {}
