//! A bias names the input of its matrix too.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

fn output<M: Model>(
    output: Weight<Matrix, Hidden<M>, QWidth<M>>,
    bias: Bias<Hidden<M>, QWidth<M>>,
) -> Weight<Matrix, Hidden<M>, QWidth<M>> {
    output.with_bias(bias)
}

fn main() {}
