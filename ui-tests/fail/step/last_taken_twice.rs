//! The last of the last tokens is taken, as if they were the tokens of one sequence.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

fn next<T: Step, M: Model>(
    x: View<f32, (T, Hidden<M>)>,
) -> Tensor<f32, (Sequences<T>, Hidden<M>)> {
    let last = x.last();
    last.view().last()
}

fn main() {}
