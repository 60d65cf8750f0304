//! The matrix of the keys is given the bias of the queries.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

fn keys<M: Model>(
    key: Weight<Matrix, KvWidth<M>, Hidden<M>>,
    bias: Bias<QWidth<M>, Hidden<M>>,
) -> Weight<Matrix, KvWidth<M>, Hidden<M>> {
    key.with_bias(bias)
}

fn main() {}
