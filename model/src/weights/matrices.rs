//! Which packing a tensor type is, and what matrices of codes do with activations.
//!
//! Not here: float matrices that become codes (`floats.rs`), and the words of MLX (`words.rs`).

use super::{floats, words};
use crate::description::{Graph, Projection};
use crate::files::{Encoding, SourceTensor};
use bytes::Bytes;
use trine_kernels::packing::{
    I2sPacking, InverseScale, TernaryLayout, WeightScale, ternary_from_int8, ternary_from_packed_rows,
};
use trine_kernels::product::matrix::AnyPacked;
use trine_kernels::{ActivationMode, Matrix, PackingError, PackingKind};
use trine_loader::TensorType;

/// The tensor's contents as `rows` rows of `cols` elements, checked, in the packing that kernels run.
///
/// # Errors
/// Dimensions that the type does not have, and contents that are not valid.
pub(crate) fn packed(tensor: &SourceTensor, i2s: I2sPacking, rows: usize, cols: usize) -> Result<Matrix, PackingError> {
    if tensor.parts.is_some() {
        return packed(&tensor.whole(), i2s, rows, cols);
    }
    match tensor.encoding {
        Encoding::Plain(kind) | Encoding::Masters(kind) | Encoding::TernaryFloats(kind) | Encoding::Divisor(kind) => {
            of_file(kind, i2s, (rows, cols), tensor.bytes.clone())
        }
        Encoding::PackedRows => ternary_from_packed_rows(rows, cols, &tensor.bytes).map(Matrix::from),
        Encoding::Int8Codes => ternary_from_int8(rows, cols, &tensor.bytes).map(Matrix::from),
        Encoding::Words(form) => words::packed(tensor, form, rows, cols),
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
    match stored(kind, i2s) {
        Stored::AsItIs(packing) => Matrix::new(packing, rows, cols, bytes).map(in_largest_groups),
        Stored::Repacked(layout) => Matrix::repack(layout, rows, cols, &bytes),
    }
}

/// The matrix; with groups of 128 columns where two of 64 have one scale, as in files that were made of groups of 128:
/// the products are those of a file that says so, and take half as many scales.
pub(super) fn in_largest_groups(matrix: Matrix) -> Matrix {
    match matrix.packed() {
        AnyPacked::Q2_0(groups) => groups.joined().map_or(matrix, Matrix::from),
        _ => matrix,
    }
}

/// What the tensors of a type are to the kernels.
enum Stored {
    /// A packing that they read.
    AsItIs(PackingKind),
    /// A layout that is repacked.
    Repacked(TernaryLayout),
}

fn stored(kind: TensorType, i2s: I2sPacking) -> Stored {
    match kind {
        TensorType::F32 => Stored::AsItIs(PackingKind::F32),
        TensorType::F16 => Stored::AsItIs(PackingKind::F16),
        TensorType::BF16 => Stored::AsItIs(PackingKind::BF16),
        TensorType::Q8_0 => Stored::AsItIs(PackingKind::Q8_0),
        TensorType::Q4_0 => Stored::AsItIs(PackingKind::Q4_0),
        TensorType::Q4_1 => Stored::AsItIs(PackingKind::Q4_1),
        TensorType::Q5_0 => Stored::AsItIs(PackingKind::Q5_0),
        TensorType::Q5_1 => Stored::AsItIs(PackingKind::Q5_1),
        TensorType::Q4_K => Stored::AsItIs(PackingKind::Q4K),
        TensorType::Q5_K => Stored::AsItIs(PackingKind::Q5K),
        TensorType::Q6_K => Stored::AsItIs(PackingKind::Q6K),
        TensorType::TQ1_0 => Stored::AsItIs(PackingKind::Tq1_0),
        TensorType::TQ2_0 => Stored::AsItIs(PackingKind::Tq2_0),
        TensorType::Q2_0 => Stored::AsItIs(PackingKind::Q2_0),
        TensorType::PQ2_0 => Stored::AsItIs(PackingKind::Pq2_0),
        TensorType::PTQ1_0 => Stored::AsItIs(PackingKind::Ptq1_0),
        TensorType::Q1_0 => Stored::AsItIs(PackingKind::Q1_0),
        TensorType::I2S => match i2s {
            I2sPacking::X86 => Stored::AsItIs(PackingKind::I2S),
            I2sPacking::Arm => Stored::Repacked(TernaryLayout::I2sArm),
            I2sPacking::Interleaved4 => Stored::Repacked(TernaryLayout::I2sInterleaved4),
        },
        TensorType::IQ1BN => Stored::Repacked(TernaryLayout::Iq1Bn),
        TensorType::IQ2BN => Stored::Repacked(TernaryLayout::Iq2Bn),
        TensorType::IQ2BNR4 => Stored::Repacked(TernaryLayout::Iq2BnR4),
        TensorType::STQ1_0 => Stored::Repacked(TernaryLayout::Stq1_0),
    }
}

/// The packing whose bytes are those of a tensor type, where kernels read one.
pub(crate) fn packing(kind: TensorType) -> Option<PackingKind> {
    match stored(kind, I2sPacking::X86) {
        Stored::AsItIs(packing) => Some(packing),
        Stored::Repacked(_) => None,
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
        matrix = floats::absmean(&matrix)?;
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

/// What a matrix does with activations: `asked` for those of codes, else what the source says of matrices with one
/// scale, else the default of the packing and architecture. A dense matrix has one other than f32 or none, so of all
/// that can be asked for it heeds f32.
pub(super) fn activation_mode(
    matrix: &Matrix,
    graph: &Graph,
    asked: Option<ActivationMode>,
    of_source: Option<ActivationMode>,
) -> ActivationMode {
    if !matrix.has_codes() {
        let is_f32 = asked.or(of_source) == Some(ActivationMode::F32);
        return if is_f32 { ActivationMode::F32 } else { matrix.activation_mode() };
    }
    asked.unwrap_or_else(|| default_activations(matrix, graph, of_source))
}

/// What a matrix of codes does with activations where nothing is asked for.
pub(crate) fn default_activations(matrix: &Matrix, graph: &Graph, of_source: Option<ActivationMode>) -> ActivationMode {
    let of_source = of_source.filter(|_| matrix.scale().is_some());
    of_source.unwrap_or_else(|| usual_activations(matrix.kind(), matrix.cols(), graph))
}

/// What a matrix of codes in a packing, with rows of `cols` columns, does with activations where neither it is asked
/// for nor the source says it.
///
/// Models of an architecture that is not ternary were trained without int8 activations, so these get scales for parts
/// of a row, in the lengths that the packings have for weights: TQ1_0 and TQ2_0 (TriLM, as `llama`) as in llama.cpp,
/// where their columns are whole blocks of 256; those with a scale for 64 or 128 columns (Bonsai, as `qwen3`) for each
/// group. Every other ternary matrix gets BitNet's one scale for each token.
pub(crate) fn usual_activations(packing: PackingKind, cols: usize, graph: &Graph) -> ActivationMode {
    match packing {
        _ if graph.ternary => ActivationMode::Int8PerToken,
        PackingKind::Q2_0 | PackingKind::Pq2_0 | PackingKind::Ptq1_0 | PackingKind::Q1_0 => {
            ActivationMode::Int8PerGroup
        }
        PackingKind::Tq1_0 | PackingKind::Tq2_0 if cols.is_multiple_of(packing.block()) => ActivationMode::Q8K,
        _ => ActivationMode::Int8PerToken,
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
