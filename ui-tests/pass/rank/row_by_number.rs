//! A sequence of a step has an index of its own type.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

fn of_sequence<T: Step, M: Model>(
    logits: Tensor<f32, (Sequences<T>, Vocab<M>)>,
    number: usize,
    sequence: Idx<Sequences<T>>,
) {
    logits.view().row(sequence);
}

fn main() {}
