//! The embedding is used transposed: one row for each element of the residual stream, not for each token.
#![allow(unused)]
use trine::prelude::*;

fn embedded<B: Axis, S: Axis, M: Model>(
    cpu: &Cpu,
    tokens: View<Idx<Vocab<M>>, (B, S)>,
    table: &Linear<Hidden<M>, Vocab<M>>,
) -> Tensor<f32, (B, S, Hidden<M>)> {
    cpu.embed(tokens, table)
}

fn main() {}
