//! The first part comes first.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

fn halves(whole: Tensor<f32, (Fixed<5>, Plus<Fixed<3>, Fixed<4>>)>) {}
fn joined(
    left: Tensor<f32, (Fixed<5>, Fixed<3>)>,
    right: Tensor<f32, (Fixed<5>, Fixed<4>)>,
) {
    halves(left.view().concat(right.view(), Second));
}

fn main() {}
