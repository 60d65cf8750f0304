//! Token ids are bare numbers that may exceed the vocabulary.
#![allow(unused)]
use trine::prelude::*;

fn embedded<B: Axis, S: Axis, M: Model>(
    cpu: &Cpu,
    tokens: View<u32, (B, S)>,
    table: &Linear<Vocab<M>, Hidden<M>>,
) -> Tensor<f32, (B, S, Hidden<M>)> {
    cpu.embed(tokens, table)
}

fn main() {}
