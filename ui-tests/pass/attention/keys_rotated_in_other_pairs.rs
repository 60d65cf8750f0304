//! Queries and keys are rotated alike.
#![allow(unused)]
use trine::prelude::*;

fn attended<T: Step, M: Model>(
    cpu: &Cpu,
    q: View<f32, (T, Heads<M>, Rotated<HeadDim<M>, NeoX>)>,
    k: Cached<B, KvHeads<M>, Rotated<HeadDim<M>, NeoX>, Plus<P, S>>,
    v: Cached<B, KvHeads<M>, Value<HeadDim<M>>, Plus<P, S>>,
) -> Tensor<f32, (T, Heads<M>, HeadDim<M>)> {
    cpu.attention(q, k, v)
}

fn main() {}
