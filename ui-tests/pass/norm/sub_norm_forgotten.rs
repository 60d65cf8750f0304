#![allow(unused)]
use trine::prelude::*;

fn attention_output<B: Axis, S: Axis, M: Model>(
    cpu: &Cpu,
    attended: Tensor<f32, (B, S, QWidth<M>)>,
    sub_norm: &RmsNorm<AttnSubNorm, QWidth<M>>,
    output: &Linear<Hidden<M>, Normed<AttnSubNorm, QWidth<M>>>,
) {
    let h = Activations::new(cpu.rms_norm(attended.view(), sub_norm));
    cpu.linear(&h, output);
}
fn main() {}
