//! Which packing a tensor type is, how float matrices become ternary ones, and what ternary ones do with activations.

use crate::description::{Architecture, Projection};
use crate::files::{Encoding, SourceTensor};
use bytes::Bytes;
use trine_kernels::packing::{
    I2sPacking, InverseScale, TernaryLayout, WeightScale, absmean as absmean_of, ternary_from_f32, ternary_from_int8,
    ternary_from_packed_rows,
};
use trine_kernels::{ActivationMode, Matrix, PackingError, PackingKind};
use trine_loader::TensorType;

/// The tensor's contents as `rows` rows of `cols` elements, checked, in the packing that kernels run.
///
/// # Errors
/// Dimensions that the type does not have, and contents that are not valid.
pub(crate) fn packed(tensor: &SourceTensor, i2s: I2sPacking, rows: usize, cols: usize) -> Result<Matrix, PackingError> {
    match tensor.encoding {
        Encoding::Plain(kind) | Encoding::Masters(kind) | Encoding::TernaryFloats(kind) | Encoding::Divisor(kind) => {
            of_file(kind, i2s, (rows, cols), tensor.bytes.clone())
        }
        Encoding::PackedRows => ternary_from_packed_rows(rows, cols, &tensor.bytes).map(Matrix::from),
        Encoding::Int8Codes => ternary_from_int8(rows, cols, &tensor.bytes).map(Matrix::from),
        Encoding::Foreign(packing) => Err(PackingError::NotWeights { packing }),
    }
}

/// A matrix of a file in the packing that kernels run: as it is, or repacked where they do not read its layout.
///
/// # Errors
/// Dimensions that the type does not have, and contents that are not valid.
pub(crate) fn of_file(
    kind: TensorType,
    i2s: I2sPacking,
    (rows, cols): (usize, usize),
    bytes: Bytes,
) -> Result<Matrix, PackingError> {
    let as_it_is = |kind, bytes| Matrix::new(kind, rows, cols, bytes);
    let repacked = |layout| Matrix::repack(layout, rows, cols, &bytes);
    match kind {
        TensorType::F32 => as_it_is(PackingKind::F32, bytes),
        TensorType::F16 => as_it_is(PackingKind::F16, bytes),
        TensorType::BF16 => as_it_is(PackingKind::BF16, bytes),
        TensorType::Q8_0 => as_it_is(PackingKind::Q8_0, bytes),
        TensorType::Q4_0 => as_it_is(PackingKind::Q4_0, bytes),
        TensorType::Q4_1 => as_it_is(PackingKind::Q4_1, bytes),
        TensorType::Q5_0 => as_it_is(PackingKind::Q5_0, bytes),
        TensorType::Q5_1 => as_it_is(PackingKind::Q5_1, bytes),
        TensorType::Q4_K => as_it_is(PackingKind::Q4K, bytes),
        TensorType::Q5_K => as_it_is(PackingKind::Q5K, bytes),
        TensorType::Q6_K => as_it_is(PackingKind::Q6K, bytes),
        TensorType::TQ1_0 => as_it_is(PackingKind::Tq1_0, bytes),
        TensorType::TQ2_0 => as_it_is(PackingKind::Tq2_0, bytes),
        TensorType::I2S => match i2s {
            I2sPacking::X86 => as_it_is(PackingKind::I2S, bytes),
            I2sPacking::Arm => repacked(TernaryLayout::I2sArm),
            I2sPacking::Interleaved4 => repacked(TernaryLayout::I2sInterleaved4),
        },
        TensorType::IQ1BN => repacked(TernaryLayout::Iq1Bn),
        TensorType::IQ2BN => repacked(TernaryLayout::Iq2Bn),
        TensorType::IQ2BNR4 => repacked(TernaryLayout::Iq2BnR4),
        TensorType::Q2_0 => repacked(TernaryLayout::Q2_0),
    }
}

/// A tensor as loading takes it, all its rows: masters quantized, and the scale that is a tensor of its own included.
///
/// # Errors
/// Dimensions that the type does not have, and contents that are not valid.
pub(crate) fn scaled(
    tensor: &SourceTensor,
    scale: Option<&SourceTensor>,
    i2s: I2sPacking,
) -> Result<Matrix, PackingError> {
    let (rows, cols) = tensor.rows_and_cols();
    let mut matrix = packed(tensor, i2s, rows, cols)?;
    if matches!(tensor.encoding, Encoding::Masters(_)) {
        matrix = absmean(&matrix)?;
    }
    match scale {
        Some(scale) => matrix.with_multiplier(factor_of(scale, i2s)?),
        None => Ok(matrix),
    }
}

/// What a tensor of one number multiplies the products of a matrix by.
///
/// # Errors
/// As [`factor`], and where the tensor has more than one number or a type that is not of numbers.
pub(crate) fn factor_of(scale: &SourceTensor, i2s: I2sPacking) -> Result<WeightScale, PackingError> {
    let mut value = [0.0];
    packed(scale, i2s, 1, 1)?.decode_row(0, &mut value);
    factor(scale.encoding, value[0])
}

/// A float matrix whose values are exactly {-s, 0, s}, as ternary codes and that s.
pub(crate) fn as_ternary(matrix: &Matrix) -> Option<Matrix> {
    // One row tells almost every other matrix.
    let mut first = vec![0.0f32; matrix.cols()];
    matrix.decode_row(0, &mut first);
    let mut magnitudes = first.iter().map(|value| value.abs()).filter(|value| *value != 0.0);
    let scale = magnitudes.next();
    if magnitudes.any(|value| Some(value) != scale) {
        return None;
    }
    ternary_from_f32(matrix.rows(), matrix.cols(), &values(matrix)).map(Matrix::from)
}

/// A float matrix quantized as BitNet b1.58 quantizes its masters.
pub(crate) fn absmean(matrix: &Matrix) -> Result<Matrix, PackingError> {
    absmean_of(matrix.rows(), matrix.cols(), &values(matrix)).map(Matrix::from)
}

fn values(matrix: &Matrix) -> Vec<f32> {
    let mut values = vec![0.0; matrix.rows() * matrix.cols()];
    for (row, out) in values.chunks_exact_mut(matrix.cols()).enumerate() {
        matrix.decode_row(row, out);
    }
    values
}

/// What a number that scales a matrix multiplies its products by.
///
/// # Errors
/// A scale that is not finite and positive, or whose reciprocal is not.
pub(super) fn factor(encoding: Encoding, scale: f32) -> Result<WeightScale, PackingError> {
    match encoding {
        Encoding::Divisor(_) => InverseScale::new(scale).reciprocal(),
        _ => WeightScale::new(scale),
    }
}

/// Whether a scale multiplies the bias of its matrix too, which programs do not agree on: transformers' `AutoBitLinear`
/// computes `(W x + b) * scale`, its `BitLinear` `W x / scale + b`; llama.cpp the former for matrices of the
/// feed-forward network, and `W x * scale + b` for those of attention.
pub(crate) fn scales_bias(matrix: Encoding, projection: Projection, scale: Encoding) -> bool {
    match (matrix, scale) {
        (_, Encoding::Divisor(_)) => false,
        (Encoding::Plain(_), _) => projection.is_feed_forward(),
        _ => true,
    }
}

/// The row, in a matrix whose heads have the elements that RoPE pairs half a head apart, of the row `row` of the same
/// matrix with those elements side by side. `head` is the length of a head; without it the order is the same.
pub(crate) fn halves_row(row: usize, head: Option<usize>) -> usize {
    let Some(head) = head else { return row };
    let (start, element) = (row / head * head, row % head);
    start + element / 2 + element % 2 * (head / 2)
}

/// What a matrix does with activations: `asked` for ternary ones, else the default of its packing and architecture. A
/// dense matrix has one other than f32 or none, so of all that can be asked for it heeds f32.
pub(super) fn activation_mode(
    matrix: &Matrix,
    encoding: Encoding,
    architecture: Architecture,
    asked: Option<ActivationMode>,
) -> ActivationMode {
    if !matrix.is_ternary() {
        return if asked == Some(ActivationMode::F32) { ActivationMode::F32 } else { matrix.activation_mode() };
    }
    asked.unwrap_or_else(|| usual_activations(encoding, matrix.cols(), architecture))
}

/// What a ternary matrix with rows of `cols` columns does with activations where nothing else is asked for.
///
/// TQ1_0, TQ2_0 and Q2_0 in an architecture that is not ternary are models that were trained without int8 activations
/// (TriLM, as `llama`), so they get scales for blocks, as in llama.cpp, where their columns are whole ones of 256;
/// every other ternary matrix gets BitNet's one scale for each token.
pub(crate) fn usual_activations(encoding: Encoding, cols: usize, architecture: Architecture) -> ActivationMode {
    let of_llama_cpp =
        [TensorType::TQ1_0, TensorType::TQ2_0, TensorType::Q2_0].map(Encoding::Plain).contains(&encoding);
    let takes_blocks = of_llama_cpp && cols.is_multiple_of(256);
    match takes_blocks && !architecture.graph().ternary {
        true => ActivationMode::Q8K,
        false => ActivationMode::Int8PerToken,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_of_pairs_come_from_halves() {
        let of = |head| (0..12).map(|row| halves_row(row, head)).collect::<Vec<_>>();
        assert_eq!(of(Some(6)), [0, 3, 1, 4, 2, 5, 6, 9, 7, 10, 8, 11]);
        assert_eq!(of(None), (0..12).collect::<Vec<_>>());
    }
}
