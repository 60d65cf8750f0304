//! Queries of one step meet keys that end with another, so no causal mask fits both.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

fn attended<'s, B: Axis, P: Axis, M: Model>(
    cpu: &Cpu,
    q: View<f32, (Uniform<B, P, Seq<'s>>, Heads<M>, Rotated<HeadDim<M>>)>,
    cached: &Cached<KvHeads<M>, HeadDim<M>, Causal<Uniform<B, P, Fixed<1>>>>,
) {
    cpu.attention(q, cached);
}

fn main() {}
