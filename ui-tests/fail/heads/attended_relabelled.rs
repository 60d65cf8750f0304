//! Heads side by side are relabelled as the residual stream, as wide as it in many models.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

fn attention_output<T: Axis>(
    cpu: &Cpu,
    attended: Tensor<f32, (T, QWidth<Bitnet2B4T>)>,
    output: &Weight<Matrix, Branch<Hidden<Bitnet2B4T>>, QWidth<Bitnet2B4T>>,
) {
    Same::check(QWidth::of(Bitnet2B4T), Hidden::of(Bitnet2B4T));
}

fn main() {}
