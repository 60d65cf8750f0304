//! Data leave the scope of an axis.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

fn zeros() {
    let x = Seq::scope(5, |seq| Tensor::<f32, _>::zeros((seq,)).into_data());
}

fn main() {}
