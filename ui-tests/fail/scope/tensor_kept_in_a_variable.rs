//! A tensor is kept in a variable outside of the scope of its axis.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

fn numbers() {
    let mut tensors = Vec::new();
    Seq::scope(5, |seq| {
        let x = Tensor::from_fn((seq,), |i| i);
        tensors.push(x);
    });
}

fn main() {}
