//! Both have a row for each sequence of one step.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

fn combined<'b, P: Axis, S: Axis, M: Model>(
    cpu: &Cpu,
    logits: Tensor<f32, (Sequences<Uniform<Fixed<1>, P, S>>, Vocab<M>)>,
    other: Tensor<f32, (Sequences<Uniform<Fixed<1>, P, S>>, Vocab<M>)>,
) {
    cpu.add(logits, other.view());
}

fn main() {}
