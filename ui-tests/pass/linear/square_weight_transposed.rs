//! The output projection takes the width of the queries to the residual stream.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

fn attention_output<T: Axis>(
    cpu: &Cpu,
    attended: &Activations<T, QWidth<Bitnet2B4T>>,
    weight: &Weight<Matrix, Hidden<Bitnet2B4T>, QWidth<Bitnet2B4T>>,
) -> Tensor<f32, (T, Hidden<Bitnet2B4T>)> {
    cpu.linear(attended, weight)
}

fn main() {}
