//! A causal mask is given to attention; made for the positions of this step alone, it would not fit a filled cache.
#![allow(unused)]
use trine::prelude::*;

fn attended<T: Step, M: Model>(
    cpu: &Cpu,
    q: View<f32, (T, Heads<M>, Rotated<HeadDim<M>>)>,
    k: Cached<B, KvHeads<M>, Rotated<HeadDim<M>>, Plus<P, S>>,
    v: Cached<B, KvHeads<M>, Value<HeadDim<M>>, Plus<P, S>>,
    mask: View<f32, (T, S)>,
) -> Tensor<f32, (T, Heads<M>, HeadDim<M>)> {
    cpu.attention(q, k, v, mask)
}

fn main() {}
