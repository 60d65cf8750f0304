//! Tensors of two models are added, each of which has a name.
#![allow(unused)]
use trine::prelude::*;

pinned_model! { struct Draft; }
pinned_model! { struct Target; }

fn residual<B: Axis, S: Axis>(
    cpu: &Cpu,
    x: &mut Tensor<f32, (B, S, Hidden<Draft>)>,
    y: View<f32, (B, S, Hidden<Target>)>,
) {
    cpu.add_assign(x, y);
}

fn main() {}
