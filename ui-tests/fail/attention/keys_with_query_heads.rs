#![allow(unused)]
use trine::prelude::*;

fn attended<B: Axis, P: Axis, S: Axis, M: Model>(
    cpu: &Cpu,
    q: View<f32, (B, S, Heads<M>, Rotated<HeadDim<M>>)>,
    k: Cached<B, Plus<P, S>, Heads<M>, Rotated<HeadDim<M>>>,
    v: Cached<B, Plus<P, S>, KvHeads<M>, HeadDim<M>>,
) {
    cpu.attention(q, k, v);
}
fn main() {}
