//! The feed-forward network knows its matrices by name and role.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

fn up<T: Axis, M: Model>(
    ops: &impl Ops,
    h: &Activations<T, Normed<FfnNorm, Hidden<M>>>,
    network: &SwiGlu<M>,
) -> Tensor<f32, (T, Ffn<M>)> {
    ops.linear(h, &network.up)
}

fn main() {}
