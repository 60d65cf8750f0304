//! A projection is a matrix with an axis of outputs and one of inputs.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

fn queries<T: Axis, M: Model>(
    cpu: &Cpu,
    h: &Activations<T, Hidden<M>>,
    norm: &RmsNorm<AttnNorm, Hidden<M>>,
    query: &Weight<Matrix, QWidth<M>, Hidden<M>>,
) -> Tensor<f32, (T, QWidth<M>)> {
    cpu.linear(h, query)
}

fn main() {}
