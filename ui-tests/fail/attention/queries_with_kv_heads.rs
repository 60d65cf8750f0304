//! Queries have key/value heads, which do not form groups.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

fn attended<T: Step, M: Model>(
    cpu: &Cpu,
    q: View<f32, (T, KvHeads<M>, Rotated<HeadDim<M>>)>,
    cached: &Cached<KvHeads<M>, HeadDim<M>, Causal<T>>,
) {
    cpu.attention(q, cached);
}

fn main() {}
