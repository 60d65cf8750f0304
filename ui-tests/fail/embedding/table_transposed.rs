//! The embedding is used transposed: one row for each element of the residual stream, not for each token.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

fn embedded<T: Axis, M: Model>(
    cpu: &Cpu,
    tokens: View<Idx<Vocab<M>>, (T,)>,
    table: &Weight<Matrix, Hidden<M>, Vocab<M>>,
) -> Tensor<f32, (T, Hidden<M>)> {
    cpu.embed(tokens, table)
}

fn main() {}
