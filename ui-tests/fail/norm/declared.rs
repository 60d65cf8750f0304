//! A tensor is declared to be normalised.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

fn before_attention<M: Model>(
    cpu: &Cpu,
    model: M,
    data: Vec<f32>,
    norm: &RmsNorm<AttnNorm, Hidden<M>>,
) -> Tensor<f32, (Fixed<8>, Normed<AttnNorm, Hidden<M>>)> {
    Tensor::from_data((Fixed, Normed::of(Hidden::of(model))), data)
}

fn main() {}
