//! A tensor of a file against its axes: a matrix in the packing that kernels run, or the values of a float tensor.
//!
//! What belongs here: the checks that all weights pass. What does not: which tensor is which weight (`claims.rs`,
//! `parameters.rs`), and the packing of a tensor type (`matrices.rs`).

use super::{LoadError, LoadProblem, matrices};
use crate::files::SourceTensor;
use trine_kernels::Matrix;
use trine_kernels::packing::I2sPacking;
use trine_shapes::{Axis, ShapeError};

/// The matrix with these axes that a tensor is.
///
/// # Errors
/// Other dimensions, and contents that are not valid.
pub(super) fn matrix<O: Axis, I: Axis>(
    tensor: &SourceTensor,
    i2s: I2sPacking,
    axes: (O, I),
) -> Result<Matrix, LoadError> {
    let (rows, cols) = rows_and_cols(tensor, axes)?;
    matrices::packed(tensor, i2s, rows, cols).map_err(|error| LoadError::of_tensor(tensor, error.into()))
}

/// Rows and columns of a matrix, which are as long as its axes. Shape first: a transposed matrix is better named than a
/// row length that its packing does not have.
///
/// # Errors
/// Other dimensions.
pub(super) fn rows_and_cols<O: Axis, I: Axis>(
    tensor: &SourceTensor,
    axes: (O, I),
) -> Result<(usize, usize), LoadError> {
    let [rows, cols] = tensor.dims[..] else {
        return Err(LoadError::of_tensor(tensor, LoadProblem::NotAMatrix { found: tensor.dims.clone() }));
    };
    let checked = ShapeError::check(&tensor.name, &[rows, cols], axes);
    checked.map_err(|error| LoadError::of_tensor(tensor, error.into()))?;
    Ok((rows, cols))
}

/// The finite values of a float tensor.
///
/// # Errors
/// A type that is not of floats, and values that are not finite.
pub(super) fn floats(tensor: &SourceTensor, what: &'static str) -> Result<Vec<f32>, LoadError> {
    if tensor.encoding.float().is_none() {
        return Err(LoadError::of_tensor(tensor, LoadProblem::Quantized { what, found: tensor.encoding }));
    }
    let count = tensor.elements();
    let matrix = matrices::packed(tensor, I2sPacking::default(), 1, count);
    let matrix = matrix.map_err(|error| LoadError::of_tensor(tensor, error.into()))?;
    let mut values = vec![0.0; count];
    matrix.decode_row(0, &mut values);
    Ok(values)
}
