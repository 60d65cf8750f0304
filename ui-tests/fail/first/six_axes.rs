//! A tensor has six axes.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

axis! { struct A = 2; struct B = 3; struct C = 4; struct D = 5; struct E = 6; struct F = 7; }

fn borrowed(x: &Tensor<f32, (A, B, C, D, E, F)>) {
    let view = x.view();
}

fn main() {}
