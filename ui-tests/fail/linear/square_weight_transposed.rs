//! A square matrix, 2560 by 2560, is used the wrong way round: its numbers would fit.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

fn attention_output<T: Axis>(
    cpu: &Cpu,
    attended: &Activations<T, QWidth<Bitnet2B4T>>,
    weight: &Weight<Matrix, QWidth<Bitnet2B4T>, Hidden<Bitnet2B4T>>,
) -> Tensor<f32, (T, Hidden<Bitnet2B4T>)> {
    cpu.linear(attended, weight)
}

fn main() {}
