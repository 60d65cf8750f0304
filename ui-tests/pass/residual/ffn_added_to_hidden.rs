//! The down projection takes it back to the residual stream.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

fn block<T: Axis, M: Model>(
    cpu: &Cpu,
    residual: Residual<T, Hidden<M>>,
    gated: Tensor<f32, (T, Ffn<M>)>,
    down: &Weight<Matrix, Branch<Hidden<M>>, Ffn<M>>,
) {
    cpu.add_branch(residual, cpu.linear(&Activations::new(gated), down));
}

fn main() {}
