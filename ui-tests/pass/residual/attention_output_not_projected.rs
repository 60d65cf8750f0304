//! The output projection takes the heads back to the residual stream.
#![allow(unused)]
use trine::{kernels::*, model::*, shapes::*};

fn residual<T: Axis>(
    cpu: &Cpu,
    x: &mut Tensor<f32, (T, Hidden<Bitnet2B4T>)>,
    attended: Tensor<f32, (T, QWidth<Bitnet2B4T>)>,
    output: &Weight<Matrix, Hidden<Bitnet2B4T>, QWidth<Bitnet2B4T>>,
) {
    cpu.add_assign(x, cpu.linear(&Activations::new(attended), output).view());
}

fn main() {}
