//! The axis says what the elements are, and the length of the data is checked against it.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

fn gains<M: Model>(model: M, x: &[f32]) {
    let _ = View::check("attn_norm.weight", x, &[x.len()], (Hidden::of(model),));
}

fn main() {}
