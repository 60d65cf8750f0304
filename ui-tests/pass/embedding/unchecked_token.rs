//! An `Idx<Vocab<M>>` was checked to be in the vocabulary when it was made.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

fn embedded<T: Axis, M: Model>(
    cpu: &Cpu,
    tokens: View<Idx<Vocab<M>>, (T,)>,
    table: &Embedding<Matrix, Vocab<M>, Hidden<M>>,
) -> Tensor<f32, (T, Hidden<M>)> {
    cpu.embed(tokens, table)
}

fn main() {}
