//! The output projection takes what the sub-norm has made.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

fn attention_output<T: Axis>(
    cpu: &Cpu,
    attended: Tensor<f32, (T, QWidth<Bitnet2B4T>)>,
    sub_norm: &RmsNorm<AttnSubNorm, QWidth<Bitnet2B4T>>,
    output: &Weight<Matrix, Hidden<Bitnet2B4T>, Normed<AttnSubNorm, QWidth<Bitnet2B4T>>>,
) -> Tensor<f32, (T, Hidden<Bitnet2B4T>)> {
    let h = Activations::new(cpu.rms_norm(attended, sub_norm));
    cpu.linear(&h, output)
}

fn main() {}
