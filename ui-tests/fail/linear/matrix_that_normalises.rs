//! A matrix is declared to make what only a norm makes.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

fn adapter<M: Model>(
    model: M,
    matrix: Matrix,
) {
    Weight::check("adapter", matrix, (Normed::<FfnNorm, _>::of(Hidden::of(model)), Ffn::of(model)));
}

fn main() {}
