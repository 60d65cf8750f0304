//! A tensor of a file against its axes: a matrix in the packing that kernels run, or the values of a float tensor.
//!
//! What belongs here: the checks that all weights pass. What does not: which tensor is which weight (`claims.rs`,
//! `parameters.rs`), and the packing of a tensor type (`matrices.rs`).

use super::{LoadError, LoadProblem, matrices};
use crate::files::{Encoding, SourceTensor};
use std::sync::Arc;
use trine_kernels::Matrix;
use trine_kernels::packing::I2sPacking;
use trine_loader::TensorType;
use trine_shapes::{Axis, Shape, ShapeError};

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
    beside_words(tensor, (axes.0,))?;
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

/// Checks what lies beside words: numbers for each group of columns, or a scale for each row, of the matrix or of the
/// matrices with these rows.
///
/// # Errors
/// Words with nothing beside them; other dimensions; scales of rows that are negative or not finite.
pub(super) fn beside_words<S: Shape>(tensor: &SourceTensor, rows: S) -> Result<(), LoadError> {
    let Encoding::Words(words) = tensor.encoding else { return Ok(()) };
    let value = |tensor: &SourceTensor, found, expected| {
        Err(LoadError::of_tensor(tensor, LoadProblem::Value { found, expected }))
    };
    let Some(groups) = tensor.groups.as_deref() else {
        let expected = match words.bits() {
            2 => "a tensor `row_alpha`, or tensors `scales` and `biases`, beside them",
            _ => "tensors `scales` and `biases` beside them",
        };
        return value(tensor, "words of codes alone".to_owned(), expected);
    };
    for group in groups {
        match (words.columns(), tensor.dims.split_last()) {
            (Some(columns), Some((cols, leading))) if cols.is_multiple_of(columns) => {
                if group.dims != [leading, &[cols / columns]].concat() {
                    let found = format!("numbers with dimensions {:?}", group.dims);
                    return value(group, found, "one for each row of the words and each group of their columns");
                }
            }
            // The width is refused with the words.
            (Some(_), _) => {}
            (None, _) => {
                let checked = ShapeError::check(&group.name, &group.dims, rows);
                checked.map_err(|error| LoadError::of_tensor(group, error.into()))?;
                let scales = floats(group, "scales of rows")?;
                if let Some((row, scale)) = scales.iter().enumerate().find(|(_, scale)| **scale < 0.0) {
                    return value(group, format!("{scale} for row {row}"), "scales that are not negative");
                }
            }
        }
    }
    Ok(())
}

/// The part of a tensor that is at an index of its first axis: a tensor without that axis, whose bytes are a slice.
/// What lies beside the tensor has that axis too.
///
/// I2_S has one scale behind all codes. So a part of it is a copy, of its codes and that scale.
///
/// # Errors
/// Bytes that are not as many for each index.
pub(super) fn part(tensor: &SourceTensor, index: usize) -> Result<SourceTensor, LoadError> {
    if let Some(part) = tensor.parts.as_ref().and_then(|parts| parts.get(index)) {
        return Ok(part.clone());
    }
    let (count, dims) = tensor.dims.split_first().map_or((1, &[][..]), |(count, dims)| (*count, dims));
    let tail = if tensor.encoding == Encoding::Plain(TensorType::I2S) { I2_S_TAIL } else { 0 };
    let all = tensor.bytes.len().saturating_sub(tail);
    if index >= count || !all.is_multiple_of(count) {
        let found = format!("{all} bytes for {count} matrices");
        let expected = "as many bytes for each matrix";
        return Err(LoadError::of_tensor(tensor, LoadProblem::Value { found, expected }));
    }
    let (first, len) = (index * (all / count), all / count);
    let mut bytes = tensor.bytes.slice(first..first + len);
    if tail > 0 {
        bytes = [&bytes, &tensor.bytes[all..]].concat().into();
    }
    let parts_of = |groups: &Arc<[SourceTensor]>| groups.iter().map(|of| part(of, index)).collect::<Result<_, _>>();
    let groups = tensor.groups.as_ref().map(parts_of).transpose()?;
    Ok(SourceTensor { dims: dims.to_vec(), bytes, offset: tensor.offset + first as u64, groups, ..tensor.clone() })
}

/// Bytes behind the codes of a tensor in I2_S, of which the first four are the scale.
const I2_S_TAIL: usize = 32;

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
