//! The output projection takes the heads back to the residual stream.
#![allow(unused)]
use trine::prelude::*;

fn residual<B: Axis, S: Axis>(
    cpu: &Cpu,
    x: &mut Tensor<f32, (B, S, Hidden<Bitnet2B4T>)>,
    attended: Tensor<f32, (B, S, QWidth<Bitnet2B4T>)>,
    output: &Linear<Hidden<Bitnet2B4T>, QWidth<Bitnet2B4T>>,
) {
    cpu.add_assign(x, cpu.linear(&Activations::new(attended), output).view());
}

fn main() {}
