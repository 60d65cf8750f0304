//! The embedding has one row for each token.
#![allow(unused)]
use trine::prelude::*;

fn embedded<B: Axis, S: Axis, M: Model>(
    cpu: &Cpu,
    tokens: View<Idx<Vocab<M>>, (B, S)>,
    table: &Linear<Vocab<M>, Hidden<M>>,
) -> Tensor<f32, (B, S, Hidden<M>)> {
    cpu.embed(tokens, table)
}

fn main() {}
