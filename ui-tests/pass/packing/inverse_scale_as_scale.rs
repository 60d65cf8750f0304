//! A divisor becomes a factor by its reciprocal.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};
use trine::kernels::packing::InverseScale;

fn scaled(matrix: Matrix, divisor: InverseScale) -> Result<Matrix, PackingError> {
    matrix.with_multiplier(divisor.reciprocal()?)
}

fn main() {}
