//! The index is one of the same step.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

fn of_sequence<'p, B: Axis, M: Model>(
    logits: Tensor<f32, (Sequences<Uniform<B, Past<'p>, Fixed<1>>>, Vocab<M>)>,
    of_prompt: Idx<Sequences<Uniform<B, Fixed<0>, Fixed<9>>>>,
    sequence: Idx<Sequences<Uniform<B, Past<'p>, Fixed<1>>>>,
) {
    logits.view().row(sequence);
}

fn main() {}
