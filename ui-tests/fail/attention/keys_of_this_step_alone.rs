//! Queries meet the keys of their own step only, as if there were no earlier positions.
#![allow(unused)]
use trine::prelude::*;

fn attended<'p, 's, B: Axis, M: Model>(
    cpu: &Cpu,
    q: View<f32, (B, Seq<'s>, Heads<M>, Rotated<HeadDim<M>>)>,
    k: Cached<B, KvHeads<M>, Rotated<HeadDim<M>>, Seq<'s>>,
    v: Cached<B, KvHeads<M>, Value<HeadDim<M>>, Plus<Past<'p>, Seq<'s>>>,
) {
    cpu.attention(q, k, v);
}

fn main() {}
