//! Tokens are looked up in the embedding.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

fn embedded<T: Axis, M: Model>(
    cpu: &Cpu,
    tokens: View<Idx<Vocab<M>>, (T,)>,
    transformer: &Transformer<M>,
) -> Tensor<f32, (T, Hidden<M>)> {
    cpu.embed(tokens, &transformer.embedding)
}

fn main() {}
