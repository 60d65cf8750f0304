//! The logits of a sequence are found by a plain number.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

fn of_sequence<T: Step, M: Model>(
    logits: Tensor<f32, (Sequences<T>, Vocab<M>)>,
    number: usize,
    sequence: Idx<Sequences<T>>,
) {
    logits.view().row(number);
}

fn main() {}
