//! A scale is applied once.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};
use trine::kernels::packing::WeightScale;

fn scaled(matrix: Matrix, scale: WeightScale) -> Result<Matrix, PackingError> {
    let matrix = matrix.with_multiplier(scale)?;
    Ok(matrix)
}

fn main() {}
