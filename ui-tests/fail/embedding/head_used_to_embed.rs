//! Tokens are looked up in the head, which is as large as the embedding.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

fn embedded<T: Axis, M: Model>(
    cpu: &Cpu,
    tokens: View<Idx<Vocab<M>>, (T,)>,
    transformer: &Transformer<M>,
) -> Tensor<f32, (T, Hidden<M>)> {
    cpu.embed(tokens, &transformer.head)
}

fn main() {}
