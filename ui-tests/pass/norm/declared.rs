//! The norm makes what it is named after.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

fn before_attention<M: Model>(
    cpu: &Cpu,
    model: M,
    data: Vec<f32>,
    norm: &RmsNorm<AttnNorm, Hidden<M>>,
) -> Tensor<f32, (Fixed<8>, Normed<AttnNorm, Hidden<M>>)> {
    cpu.rms_norm(Tensor::from_data((Fixed, Hidden::of(model)), data), norm)
}

fn main() {}
