//! The inside of the feed-forward network is added to the residual stream.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

fn block<T: Axis, M: Model>(
    cpu: &Cpu,
    residual: Residual<T, Hidden<M>>,
    gated: Tensor<f32, (T, Ffn<M>)>,
    down: &Weight<Matrix, Branch<Hidden<M>>, Ffn<M>>,
) {
    cpu.add_branch(residual, gated);
}

fn main() {}
