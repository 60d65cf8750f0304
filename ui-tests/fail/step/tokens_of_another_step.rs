//! The token that was sampled last is embedded where the whole prompt is meant.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

fn embedded<'s, B: Axis, P: Axis, M: Model>(
    cpu: &Cpu,
    tokens: View<Idx<Vocab<M>>, (Uniform<B, P, Fixed<1>>,)>,
    table: &Embedding<Matrix, Vocab<M>, Hidden<M>>,
) -> Tensor<f32, (Uniform<B, P, Seq<'s>>, Hidden<M>)> {
    cpu.embed(tokens, table)
}

fn main() {}
