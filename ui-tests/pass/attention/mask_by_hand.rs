//! The mask follows from the step: the past, then its own tokens.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

fn attended<B: Axis, P: Axis, S: Axis, M: Model>(
    cpu: &Cpu,
    q: View<f32, (Uniform<B, P, S>, Heads<M>, Rotated<HeadDim<M>>)>,
    cached: &Cached<KvHeads<M>, HeadDim<M>, Causal<Uniform<B, P, S>>>,
    mask: View<f32, (B, S, S)>,
) -> Tensor<f32, (Uniform<B, P, S>, Heads<M>, HeadDim<M>)> {
    cpu.attention(q, cached)
}

fn main() {}
