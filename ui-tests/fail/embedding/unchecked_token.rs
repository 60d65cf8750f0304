//! Token ids are bare numbers that may exceed the vocabulary.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

fn embedded<T: Axis, M: Model>(
    cpu: &Cpu,
    tokens: View<u32, (T,)>,
    table: &Embedding<Matrix, Vocab<M>, Hidden<M>>,
) -> Tensor<f32, (T, Hidden<M>)> {
    cpu.embed(tokens, table)
}

fn main() {}
