//! The last keys are those of the step of the queries.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

fn attended<'s, B: Axis, P: Axis, M: Model>(
    cpu: &Cpu,
    q: View<f32, (Uniform<B, P, Seq<'s>>, Heads<M>, Rotated<HeadDim<M>>)>,
    cached: &Cached<KvHeads<M>, HeadDim<M>, Causal<Uniform<B, P, Seq<'s>>>>,
) {
    cpu.attention(q, cached);
}

fn main() {}
