//! The result of attention is added without its output projection, which the numbers of some models would allow.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

fn block<T: Axis>(
    cpu: &Cpu,
    residual: Residual<T, Hidden<Bitnet2B4T>>,
    attended: Tensor<f32, (T, QWidth<Bitnet2B4T>)>,
    output: &Weight<Matrix, Branch<Hidden<Bitnet2B4T>>, QWidth<Bitnet2B4T>>,
) {
    cpu.add_branch(residual, attended);
}

fn main() {}
