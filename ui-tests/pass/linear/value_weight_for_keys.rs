//! Keys are made with their own matrix.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

fn keys<T: Axis, M: Model>(
    ops: &impl Ops,
    h: &Activations<T, Normed<AttnNorm, Hidden<M>>>,
    attention: &Attention<M>,
) -> Tensor<f32, (T, KvWidth<M>)> {
    ops.linear(h, &attention.key)
}

fn main() {}
