//! Queries are rotated in halves of a head and keys in neighbouring pairs.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

fn attended<T: Step, M: Model>(
    cpu: &Cpu,
    q: View<f32, (T, Heads<M>, Rotated<HeadDim<M>, NeoX>)>,
    cached: &Cached<KvHeads<M>, HeadDim<M>, Causal<T>, Adjacent>,
) -> Tensor<f32, (T, Heads<M>, HeadDim<M>)> {
    cpu.attention(q, cached)
}

fn main() {}
