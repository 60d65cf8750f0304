//! Keys have as many heads as queries, but each of theirs serves a group of query heads.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

fn attended<T: Step, M: Model>(
    cpu: &Cpu,
    q: View<f32, (T, Heads<M>, Rotated<HeadDim<M>>)>,
    cached: &Cached<Heads<M>, HeadDim<M>, Causal<T>>,
) {
    cpu.attention(q, cached);
}

fn main() {}
