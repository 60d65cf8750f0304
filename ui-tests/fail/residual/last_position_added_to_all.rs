//! The last position alone is added to all positions of the step.
#![allow(unused)]
use trine::prelude::*;

fn residual<'s, B: Axis, M: Model>(
    cpu: &Cpu,
    x: &mut Tensor<f32, (B, Seq<'s>, Hidden<M>)>,
    y: View<f32, (B, Fixed<1>, Hidden<M>)>,
) {
    cpu.add_assign(x, y);
}

fn main() {}
