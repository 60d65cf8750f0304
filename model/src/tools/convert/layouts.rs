//! Ternary matrices in the types of files.
//!
//! What belongs here: bytes of one type from a matrix of another, codes and scales kept. What does not: which tensors
//! change.

use crate::parallel;
use bytes::Bytes;
use half::f16;
use trine_kernels::PackingError;
use trine_kernels::matrix::AnyPacked;
use trine_kernels::packing::{I2S, MAX_COLS, PackScales, Packed, Packing, Ternary, Tq1_0, Tq2_0};
use trine_loader::TensorType;
use trine_shapes::{MAX_ELEMENTS, product_within};

/// The bytes of a ternary matrix in a type of files, every code and scale kept.
pub(super) fn packed(matrix: &AnyPacked, kind: TensorType) -> Result<Bytes, PackingError> {
    match matrix {
        AnyPacked::I2S(matrix) => packed_from(matrix, kind),
        AnyPacked::Tq1_0(matrix) => packed_from(matrix, kind),
        AnyPacked::Tq2_0(matrix) => packed_from(matrix, kind),
        _ => unreachable!("only ternary matrices are packed"),
    }
}

fn packed_from<P: Ternary>(matrix: &Packed<P>, kind: TensorType) -> Result<Bytes, PackingError> {
    match kind {
        TensorType::I2S if !matrix.cols().is_multiple_of(I2S::BLOCK) => {
            Err(PackingError::Columns { packing: I2S::NAME, cols: matrix.cols(), multiple: I2S::BLOCK })
        }
        TensorType::I2S => matrix.convert::<I2S>().map(|packed| packed.bytes().clone()),
        TensorType::TQ1_0 => matrix.convert::<Tq1_0>().map(|packed| packed.bytes().clone()),
        TensorType::TQ2_0 => matrix.convert::<Tq2_0>().map(|packed| packed.bytes().clone()),
        _ => halves(matrix),
    }
}

/// The weights as f16.
fn halves<P: Ternary>(matrix: &Packed<P>) -> Result<Bytes, PackingError> {
    let exact = |scale: &f32| f16::from_f32(*scale).to_f32() == *scale;
    if let Some(&found) = matrix.scales().iter().find(|scale| !exact(scale)) {
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

/// The codes of a matrix under one scale, the row at `row_of(i)` as row `i`.
pub(super) fn rescaled(
    matrix: &AnyPacked,
    scale: f32,
    row_of: impl Fn(usize) -> usize,
) -> Result<AnyPacked, PackingError> {
    match matrix {
        AnyPacked::I2S(matrix) => rescaled_from(matrix, scale, row_of),
        AnyPacked::Tq1_0(matrix) => rescaled_from(matrix, scale, row_of),
        AnyPacked::Tq2_0(matrix) => rescaled_from(matrix, scale, row_of),
        _ => unreachable!("only ternary matrices have codes"),
    }
}

fn rescaled_from<P: Ternary>(
    matrix: &Packed<P>,
    scale: f32,
    row_of: impl Fn(usize) -> usize,
) -> Result<AnyPacked, PackingError> {
    let (rows, cols) = (matrix.rows(), matrix.cols());
    let mut codes = vec![0; rows * cols];
    codes.chunks_exact_mut(cols).enumerate().for_each(|(row, codes)| matrix.row_codes(row_of(row), codes));
    Packed::<I2S>::pack(rows, cols, &codes, PackScales::One(scale)).map(AnyPacked::from)
}
