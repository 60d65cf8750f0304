//! Each sequence brings a slice of its own, as long as its tokens.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

fn tokens<M: Model>(
    step: Ragged,
    first: &[Idx<Vocab<M>>],
    second: &[Idx<Vocab<M>>],
) {
    Tensor::of_sequences("tokens", step, &[first, second]);
}

fn main() {}
