//! The residual stream passes the norm before attention first.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

fn queries<T: Axis>(
    cpu: &Cpu,
    x: Tensor<f32, (T, Hidden<Bitnet2B4T>)>,
    norm: &RmsNorm<AttnNorm, Hidden<Bitnet2B4T>>,
    query: &Weight<Matrix, QWidth<Bitnet2B4T>, Normed<AttnNorm, Hidden<Bitnet2B4T>>>,
) -> Tensor<f32, (T, QWidth<Bitnet2B4T>)> {
    let h = Activations::new(cpu.rms_norm(x, norm));
    cpu.linear(&h, query)
}

fn main() {}
