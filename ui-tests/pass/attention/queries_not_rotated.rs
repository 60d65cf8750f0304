//! Queries and keys are both rotated.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

fn attended<T: Step, M: Model>(
    cpu: &Cpu,
    q: View<f32, (T, Heads<M>, Rotated<HeadDim<M>>)>,
    cached: &Cached<KvHeads<M>, HeadDim<M>, Causal<T>>,
) -> Tensor<f32, (T, Heads<M>, HeadDim<M>)> {
    cpu.attention(q, cached)
}

fn main() {}
