//! An axis is asked for by its length.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

fn zeros<M: Model>(model: M) -> Tensor<f32, (Fixed<8>, Hidden<M>)> {
    Tensor::zeros((Fixed, 2560))
}

fn main() {}
