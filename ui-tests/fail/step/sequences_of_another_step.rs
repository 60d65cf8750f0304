//! Logits behind the sequences of a batch are added to those behind a single sequence.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

fn combined<'b, P: Axis, S: Axis, M: Model>(
    cpu: &Cpu,
    logits: Tensor<f32, (Sequences<Uniform<Fixed<1>, P, S>>, Vocab<M>)>,
    other: Tensor<f32, (Sequences<Uniform<Batch<'b>, P, S>>, Vocab<M>)>,
) {
    cpu.add(logits, other.view());
}

fn main() {}
