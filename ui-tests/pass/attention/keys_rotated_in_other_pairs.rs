//! Queries and keys are rotated alike.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

fn attended<T: Step, M: Model>(
    cpu: &Cpu,
    q: View<f32, (T, Heads<M>, Rotated<HeadDim<M>, NeoX>)>,
    cached: &Cached<KvHeads<M>, HeadDim<M>, Causal<T>, NeoX>,
) -> Tensor<f32, (T, Heads<M>, HeadDim<M>)> {
    cpu.attention(q, cached)
}

fn main() {}
