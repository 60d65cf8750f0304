//! The last keys are those of the step of the queries.
#![allow(unused)]
use trine::prelude::*;

fn attended<'s, B: Axis, P: Axis, M: Model>(
    cpu: &Cpu,
    q: View<f32, (B, Seq<'s>, Heads<M>, Rotated<HeadDim<M>>)>,
    k: Cached<B, KvHeads<M>, Rotated<HeadDim<M>>, Plus<P, Seq<'s>>>,
    v: Cached<B, KvHeads<M>, Value<HeadDim<M>>, Plus<P, Seq<'s>>>,
) {
    cpu.attention(q, k, v);
}

fn main() {}
