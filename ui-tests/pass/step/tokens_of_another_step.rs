//! There is a row for each token of the step.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

fn embedded<'s, B: Axis, P: Axis, M: Model>(
    cpu: &Cpu,
    tokens: View<Idx<Vocab<M>>, (Uniform<B, P, Seq<'s>>,)>,
    table: &Embedding<Matrix, Vocab<M>, Hidden<M>>,
) -> Tensor<f32, (Uniform<B, P, Seq<'s>>, Hidden<M>)> {
    cpu.embed(tokens, table)
}

fn main() {}
