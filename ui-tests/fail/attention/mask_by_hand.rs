//! A causal mask is given to attention; made for the positions of this step alone, it would not fit a filled cache.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

fn attended<B: Axis, P: Axis, S: Axis, M: Model>(
    cpu: &Cpu,
    q: View<f32, (Uniform<B, P, S>, Heads<M>, Rotated<HeadDim<M>>)>,
    cached: &Cached<KvHeads<M>, HeadDim<M>, Causal<Uniform<B, P, S>>>,
    mask: View<f32, (B, S, S)>,
) -> Tensor<f32, (Uniform<B, P, S>, Heads<M>, HeadDim<M>)> {
    cpu.attention(q, cached, mask)
}

fn main() {}
