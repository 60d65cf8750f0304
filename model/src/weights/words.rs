//! Matrices as MLX's affine quantization keeps them, `w = code * scale + bias` for each group, where they are ternary
//! or binary.
//!
//! What belongs here: from words, scales and biases to a packing. What does not: how tensors of a directory belong
//! together (`files`).
//!
//! The codes of a word lie from its low to its high bits, so the bytes of a group are those of a block of Q2_0, PQ2_0
//! or Q1_0. Source: `affine_quantize` of MLX's `mlx/fast.cpp`.

use crate::files::{Encoding, SourceTensor, Words};
use bytes::Bytes;
use half::{bf16, f16};
use trine_kernels::{Matrix, PackingError, PackingKind};
use trine_loader::TensorType;

/// The name of the type that the words have in safetensors files.
const NAME: &str = "u32";

/// The tensor's contents, checked: ternary groups have the codes 0 to 2 and the bias `-scale`, binary ones the bias
/// `-scale / 2`.
///
/// # Errors
/// Dimensions and numbers of scales or biases that do not belong together; a code 3; scales that are negative, not
/// finite or no f16; other biases.
pub(super) fn packed(tensor: &SourceTensor, words: Words, rows: usize, cols: usize) -> Result<Matrix, PackingError> {
    let (kind, columns) = (packing(words), words.columns());
    if !cols.is_multiple_of(columns) {
        return Err(PackingError::Columns { packing: NAME, cols, multiple: columns });
    }
    let (groups, group_bytes) = (rows * (cols / columns), columns * words.bits() / 8);
    let (expected, found) = (groups * group_bytes, tensor.bytes.len());
    if found != expected {
        return Err(PackingError::Length { packing: NAME, rows, cols, expected, found });
    }
    let is_of_groups = |tensor: &SourceTensor| tensor.dims == [rows, cols / columns];
    if let Some(found) = tensor.groups.iter().flat_map(|groups| groups.iter()).find(|tensor| !is_of_groups(tensor)) {
        let found = found.elements();
        return Err(PackingError::ScaleCount { packing: NAME, expected: groups, found });
    }
    let [scales, biases] = [0, 1].map(|of| tensor.groups.as_ref().map_or_else(Vec::new, |groups| numbers(&groups[of])));
    for numbers in [&scales, &biases] {
        if numbers.len() != groups {
            return Err(PackingError::ScaleCount { packing: NAME, expected: groups, found: numbers.len() });
        }
    }
    let mut bytes = Vec::with_capacity(groups * kind.block_bytes());
    for ((codes, scale), bias) in tensor.bytes.chunks_exact(group_bytes).zip(&scales).zip(&biases) {
        // Between the two values of a group of bits lie two magnitudes.
        let magnitude = if words.bits() == 1 { scale / 2.0 } else { *scale };
        let half = f16::from_f32(magnitude);
        // Other magnitudes are named with their place below.
        if magnitude.is_finite() && magnitude >= 0.0 {
            if *bias != -magnitude {
                return Err(PackingError::NotCodes { packing: NAME });
            }
            if half.to_f32() != magnitude {
                return Err(PackingError::ScaleNotHalf { packing: kind.name(), found: magnitude });
            }
        }
        bytes.extend(half.to_le_bytes());
        bytes.extend(codes);
    }
    let matrix = Matrix::new(kind, rows, cols, Bytes::from(bytes));
    matrix.map(super::matrices::in_largest_groups).map_err(|error| match error {
        PackingError::Block { row, block, fault, .. } => {
            let offset = (row * (cols / columns) + block) * group_bytes;
            PackingError::Block { packing: NAME, row, block, offset, fault }
        }
        other => other,
    })
}

/// The packing whose blocks are such groups.
fn packing(words: Words) -> PackingKind {
    match words {
        Words::Ternary64 => PackingKind::Q2_0,
        Words::Ternary128 => PackingKind::Pq2_0,
        Words::Binary128 => PackingKind::Q1_0,
    }
}

/// The numbers of a float tensor, finite or not; none of another.
fn numbers(tensor: &SourceTensor) -> Vec<f32> {
    let (words, halves) = (tensor.bytes.as_chunks().0, tensor.bytes.as_chunks().0);
    match tensor.encoding {
        Encoding::Plain(TensorType::F32) => words.iter().map(|&bytes| f32::from_le_bytes(bytes)).collect(),
        Encoding::Plain(TensorType::F16) => halves.iter().map(|&bytes| f16::from_le_bytes(bytes).to_f32()).collect(),
        Encoding::Plain(TensorType::BF16) => halves.iter().map(|&bytes| bf16::from_le_bytes(bytes).to_f32()).collect(),
        _ => Vec::new(),
    }
}
