//! Both have a row for each sequence of one step.
#![allow(unused)]
use trine::{kernels::*, model::*, shapes::*};

fn combined<'b, P: Axis, S: Axis, M: Model>(
    cpu: &Cpu,
    logits: &mut Tensor<f32, (Sequences<Uniform<Fixed<1>, P, S>>, Vocab<M>)>,
    other: View<f32, (Sequences<Uniform<Fixed<1>, P, S>>, Vocab<M>)>,
) {
    cpu.add_assign(logits, other);
}

fn main() {}
