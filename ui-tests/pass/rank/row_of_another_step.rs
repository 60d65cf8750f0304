//! The index is one of the same step.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

fn of_sequence<T: Step, U: Step, M: Model>(
    logits: Tensor<f32, (Sequences<T>, Vocab<M>)>,
    of_other: Idx<Sequences<U>>,
    sequence: Idx<Sequences<T>>,
) {
    logits.view().row(sequence);
}

fn main() {}
