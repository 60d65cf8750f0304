//! A matrix makes a plain axis, and a norm normalises it.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

fn adapter<M: Model>(
    model: M,
    matrix: Matrix,
) {
    Weight::check("adapter", matrix, (Hidden::of(model), Ffn::of(model)));
}

fn main() {}
