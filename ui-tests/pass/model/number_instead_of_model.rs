//! An axis is asked for by its model, which knows the length.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

fn zeros<M: Model>(model: M) -> Tensor<f32, (Fixed<8>, Hidden<M>)> {
    Tensor::zeros((Fixed, Hidden::of(model)))
}

fn main() {}
