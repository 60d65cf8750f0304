//! A matrix is scaled twice with its scale.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};
use trine::kernels::packing::WeightScale;

fn scaled(matrix: Matrix, scale: WeightScale) -> Result<Matrix, PackingError> {
    let matrix = matrix.with_multiplier(scale)?;
    matrix.with_multiplier(scale)
}

fn main() {}
