//! Data leave the scope of an axis.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

fn numbers() {
    let x = Seq::scope(5, |seq| Tensor::from_fn((seq,), |i| i).into_data());
}

fn main() {}
