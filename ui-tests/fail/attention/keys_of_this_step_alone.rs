//! Queries meet the keys of their own step only, as if there were no earlier positions.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

fn attended<T: Step, M: Model>(
    cpu: &Cpu,
    q: View<f32, (T, Heads<M>, Rotated<HeadDim<M>>)>,
    cached: &Cached<KvHeads<M>, HeadDim<M>, T>,
) {
    cpu.attention(q, cached);
}

fn main() {}
