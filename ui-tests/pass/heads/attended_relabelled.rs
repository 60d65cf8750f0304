//! The output projection takes the heads back to the residual stream.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

fn attention_output<T: Axis>(
    cpu: &Cpu,
    attended: Tensor<f32, (T, QWidth<Bitnet2B4T>)>,
    output: &Weight<Matrix, Branch<Hidden<Bitnet2B4T>>, QWidth<Bitnet2B4T>>,
) {
    cpu.linear(&Activations::new(attended), output);
}

fn main() {}
