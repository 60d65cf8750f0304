//! The output projection takes the width of the queries to the residual stream.
#![allow(unused)]
use trine::prelude::*;

fn attention_output<B: Axis, S: Axis>(
    cpu: &Cpu,
    attended: &Activations<B, S, QWidth<Bitnet2B4T>>,
    weight: &Linear<Hidden<Bitnet2B4T>, QWidth<Bitnet2B4T>>,
) -> Tensor<f32, (B, S, Hidden<Bitnet2B4T>)> {
    cpu.linear(attended, weight)
}

fn main() {}
