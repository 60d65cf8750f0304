//! Two parts are joined, and the whole is cut as if the second came first.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

fn halves(whole: Tensor<f32, (Fixed<5>, Plus<Fixed<3>, Fixed<4>>)>) {}
fn joined(
    left: Tensor<f32, (Fixed<5>, Fixed<3>)>,
    right: Tensor<f32, (Fixed<5>, Fixed<4>)>,
) {
    halves(right.view().concat(left.view(), Second));
}

fn main() {}
