//! The result of attention is added without its output projection, which the numbers of some models would allow.
#![allow(unused)]
use trine::prelude::*;

fn residual<B: Axis, S: Axis>(
    cpu: &Cpu,
    x: &mut Tensor<f32, (B, S, Hidden<Bitnet2B4T>)>,
    attended: Tensor<f32, (B, S, QWidth<Bitnet2B4T>)>,
    output: &Linear<Hidden<Bitnet2B4T>, QWidth<Bitnet2B4T>>,
) {
    cpu.add_assign(x, attended.view());
}

fn main() {}
