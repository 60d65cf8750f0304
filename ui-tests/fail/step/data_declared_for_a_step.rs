//! One run of tokens is declared to be those of a step, whichever sequence brought them.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

fn tokens<M: Model>(
    step: Ragged,
    first: &[Idx<Vocab<M>>],
    second: &[Idx<Vocab<M>>],
) {
    Tensor::from_data((step,), [first, second].concat());
}

fn main() {}
