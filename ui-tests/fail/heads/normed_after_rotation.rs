//! Queries are normed after their rotation, though the gains are those of unrotated elements.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

fn normed<T: Step, M: Model>(
    cpu: &Cpu,
    q: Tensor<f32, (T, Heads<M>, Rotated<HeadDim<M>>)>,
    norm: &RmsNorm<QueryNorm, HeadDim<M>>,
) {
    cpu.head_norm(q, norm);
}

fn main() {}
