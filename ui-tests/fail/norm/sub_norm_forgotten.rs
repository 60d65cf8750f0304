//! The norm between attention and its output projection was loaded, but is not applied.
#![allow(unused)]
use trine::prelude::*;

fn attention_output<B: Axis, S: Axis>(
    cpu: &Cpu,
    attended: Tensor<f32, (B, S, QWidth<Bitnet2B4T>)>,
    sub_norm: &RmsNorm<AttnSubNorm, QWidth<Bitnet2B4T>>,
    output: &Linear<Hidden<Bitnet2B4T>, Normed<AttnSubNorm, QWidth<Bitnet2B4T>>>,
) -> Tensor<f32, (B, S, Hidden<Bitnet2B4T>)> {
    let h = Activations::new(attended);
    cpu.linear(&h, output)
}

fn main() {}
