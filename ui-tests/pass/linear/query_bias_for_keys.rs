//! The matrix of the keys is given its own bias.
#![allow(unused)]
use trine::prelude::*;

fn keys<M: Model>(
    key: Linear<KvWidth<M>, Hidden<M>>,
    bias: Bias<KvWidth<M>, Hidden<M>>,
) -> Linear<KvWidth<M>, Hidden<M>> {
    key.with_bias(bias)
}

fn main() {}
