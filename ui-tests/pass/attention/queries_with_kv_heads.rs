//! Query heads are groups, one for each key/value head.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

fn attended<T: Step, M: Model>(
    cpu: &Cpu,
    q: View<f32, (T, Heads<M>, Rotated<HeadDim<M>>)>,
    cached: &Cached<KvHeads<M>, HeadDim<M>, Causal<T>>,
) {
    cpu.attention(q, cached);
}

fn main() {}
