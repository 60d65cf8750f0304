//! The output projection of attention is given the bias of the down projection, which is as wide.
#![allow(unused)]
use trine::prelude::*;

fn output<M: Model>(
    output: Linear<Hidden<M>, QWidth<M>>,
    bias: Bias<Hidden<M>, Ffn<M>>,
) -> Linear<Hidden<M>, QWidth<M>> {
    output.with_bias(bias)
}

fn main() {}
