//! A matrix is multiplied with what its checkpoint divides by.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};
use trine::kernels::packing::InverseScale;

fn scaled(matrix: Matrix, divisor: InverseScale) -> Result<Matrix, PackingError> {
    matrix.with_multiplier(divisor)
}

fn main() {}
