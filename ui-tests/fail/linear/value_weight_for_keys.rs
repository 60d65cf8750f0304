//! Keys are made with the matrix of the values, which is as large.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

fn keys<T: Axis, M: Model>(
    ops: &impl Ops,
    h: &Activations<T, Normed<AttnNorm, Hidden<M>>>,
    attention: &Attention<M>,
) -> Tensor<f32, (T, KvWidth<M>)> {
    ops.linear(h, &attention.value)
}

fn main() {}
