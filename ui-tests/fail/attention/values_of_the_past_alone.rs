//! Values of the current step were not put into the cache.
#![allow(unused)]
use trine::prelude::*;

fn attended<'p, 's, B: Axis, M: Model>(
    cpu: &Cpu,
    q: View<f32, (B, Seq<'s>, Heads<M>, Rotated<HeadDim<M>>)>,
    k: Cached<B, KvHeads<M>, Rotated<HeadDim<M>>, Plus<Past<'p>, Seq<'s>>>,
    v: Cached<B, KvHeads<M>, Value<HeadDim<M>>, Past<'p>>,
) {
    cpu.attention(q, k, v);
}

fn main() {}
