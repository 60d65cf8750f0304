//! The query projection takes what the norm before attention has made.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

fn queries<T: Axis, M: Model>(
    cpu: &Cpu,
    x: Tensor<f32, (T, Hidden<M>)>,
    norm: &RmsNorm<AttnNorm, Hidden<M>>,
    query: &Weight<Matrix, QWidth<M>, Normed<AttnNorm, Hidden<M>>>,
) -> Tensor<f32, (T, QWidth<M>)> {
    let h = Activations::new(cpu.rms_norm(x, norm));
    cpu.linear(&h, query)
}

fn main() {}
