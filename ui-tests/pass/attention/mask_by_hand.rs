//! The mask follows from the axes: the past, then this step.
#![allow(unused)]
use trine::prelude::*;

fn attended<T: Step, M: Model>(
    cpu: &Cpu,
    q: View<f32, (T, Heads<M>, Rotated<HeadDim<M>>)>,
    k: Cached<B, KvHeads<M>, Rotated<HeadDim<M>>, Plus<P, S>>,
    v: Cached<B, KvHeads<M>, Value<HeadDim<M>>, Plus<P, S>>,
    mask: View<f32, (T, S)>,
) -> Tensor<f32, (T, Heads<M>, HeadDim<M>)> {
    cpu.attention(q, k, v)
}

fn main() {}
