//! Ternary matrices in the types of files.
//!
//! What belongs here: bytes of one type from a matrix of another, codes and scales kept. What does not: which tensors
//! change.

use crate::parallel;
use crate::weights;
use bytes::Bytes;
use half::f16;
use trine_kernels::packing::{I2S, MAX_COLS, PackScales, Packed, Packing};
use trine_kernels::{Matrix, PackingError, PackingKind};
use trine_loader::TensorType;
use trine_shapes::{MAX_ELEMENTS, product_within};

/// The bytes of a matrix of codes in a type of files, every code and scale kept.
pub(super) fn packed(matrix: &Matrix, kind: TensorType) -> Result<Bytes, PackingError> {
    match weights::packing(kind) {
        // A matrix in memory is padded, one in a file is not.
        Some(PackingKind::I2S) if !matrix.cols().is_multiple_of(I2S::BLOCK) => {
            Err(PackingError::Columns { packing: I2S::NAME, cols: matrix.cols(), multiple: I2S::BLOCK })
        }
        Some(PackingKind::F16) => halves(matrix),
        Some(packing) => matrix.convert(packing).map(|matrix| matrix.bytes().clone()),
        None => Err(PackingError::NotCodes { packing: kind.name() }),
    }
}

/// All codes, those of the row at `row_of(i)` as row `i`.
fn codes(matrix: &Matrix, row_of: impl Fn(usize) -> usize + Send + Sync) -> Vec<u8> {
    let mut codes = vec![0; matrix.rows() * matrix.cols()];
    parallel::for_each_piece(&mut codes, matrix.cols(), || (), |(), row, codes| matrix.row_codes(row_of(row), codes));
    codes
}

/// The weights as f16.
fn halves(matrix: &Matrix) -> Result<Bytes, PackingError> {
    let exact = |scale: &f32| f16::from_f32(*scale).to_f32() == *scale;
    if let Some(&found) = matrix.scales().iter().flatten().find(|scale| !exact(scale)) {
        return Err(PackingError::ScaleNotHalf { packing: "f16", found });
    }
    let (rows, cols) = (matrix.rows(), matrix.cols());
    let too_large = PackingError::Dimensions { packing: "f16", rows, cols, max_cols: MAX_COLS };
    let mut bytes = vec![0; product_within(&[2, rows, cols], MAX_ELEMENTS).ok_or(too_large)?];
    let row_of = |values: &mut Vec<f32>, row, bytes: &mut [u8]| {
        matrix.decode_row(row, values);
        for (to, value) in bytes.as_chunks_mut().0.iter_mut().zip(values) {
            *to = f16::from_f32(*value).to_le_bytes();
        }
    };
    parallel::for_each_piece(&mut bytes, 2 * matrix.cols(), || vec![0.0; matrix.cols()], row_of);
    Ok(bytes.into())
}

/// The codes of a matrix under one scale.
pub(super) fn rescaled(matrix: &Matrix, scale: f32) -> Result<Matrix, PackingError> {
    let codes = codes(matrix, |row| row);
    Packed::<I2S>::pack(matrix.rows(), matrix.cols(), &codes, PackScales::One(scale)).map(Matrix::from)
}

/// The same matrix with the row at `row_of(i)` as row `i`.
pub(super) fn reordered(
    matrix: &Matrix,
    row_of: impl Fn(usize) -> usize + Send + Sync,
) -> Result<Matrix, PackingError> {
    let (kind, rows, cols) = (matrix.kind(), matrix.rows(), matrix.cols());
    if (0..rows).all(|row| row_of(row) == row) {
        return Ok(matrix.clone());
    }
    if let Some(scale) = matrix.scale() {
        let codes = codes(matrix, row_of);
        return Packed::<I2S>::pack(rows, cols, &codes, PackScales::One(scale)).map(Matrix::from);
    }
    // Packings whose blocks have scales have nothing besides their rows.
    let row_bytes = cols / kind.block() * kind.block_bytes();
    let rows_of = |row| &matrix.bytes()[row_of(row) * row_bytes..][..row_bytes];
    let bytes: Vec<u8> = (0..rows).flat_map(rows_of).copied().collect();
    Matrix::new(kind, rows, cols, bytes.into())
}
