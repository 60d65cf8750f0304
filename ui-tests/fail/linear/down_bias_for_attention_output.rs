//! The output projection of attention is given the bias of the down projection, which is as wide.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

fn output<M: Model>(
    output: Weight<Matrix, Hidden<M>, QWidth<M>>,
    bias: Bias<Hidden<M>, Ffn<M>>,
) -> Weight<Matrix, Hidden<M>, QWidth<M>> {
    output.with_bias(bias)
}

fn main() {}
