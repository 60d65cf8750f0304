//! The up projection is made with the matrix of the down projection.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

fn up<T: Axis, M: Model>(
    ops: &impl Ops,
    h: &Activations<T, Normed<FfnNorm, Hidden<M>>>,
    network: &SwiGlu<M>,
) -> Tensor<f32, (T, Ffn<M>)> {
    ops.linear(h, &network.down)
}

fn main() {}
