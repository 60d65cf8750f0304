//! The matrix of the keys is given its own bias.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

fn keys<M: Model>(
    key: Weight<Matrix, KvWidth<M>, Hidden<M>>,
    bias: Bias<KvWidth<M>, Hidden<M>>,
) -> Weight<Matrix, KvWidth<M>, Hidden<M>> {
    key.with_bias(bias)
}

fn main() {}
