//! Keys have key/value heads.
#![allow(unused)]
use trine::prelude::*;

fn attended<T: Step, M: Model>(
    cpu: &Cpu,
    q: View<f32, (T, Heads<M>, Rotated<HeadDim<M>>)>,
    k: Cached<B, KvHeads<M>, Rotated<HeadDim<M>>, Plus<P, S>>,
    v: Cached<B, KvHeads<M>, Value<HeadDim<M>>, Plus<P, S>>,
) {
    cpu.attention(q, k, v);
}

fn main() {}
