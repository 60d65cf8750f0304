//! Matrices in words of codes, as MLX has them: ternary and binary ones, and tables of four bits.
//!
//! What belongs here: from words and the numbers beside them to a packing. What does not: how tensors of a directory
//! belong together (`files`).
//!
//! The codes of a word lie from its low to its high bits. So the bytes of a ternary or binary group are those of a
//! block of Q2_0, PQ2_0 or Q1_0. Sources: `affine_quantize` of MLX's `mlx/fast.cpp`; `mlx_lm/ternary.py` of DeepGrove's
//! mlx-lm for scales of rows.

use crate::files::{Encoding, SourceTensor, Words};
use crate::parallel;
use bytes::Bytes;
use half::{bf16, f16};
use std::sync::atomic::{AtomicBool, Ordering};
use trine_kernels::packing::{Packing, Q4_1};
use trine_kernels::{Matrix, PackingError, PackingKind};
use trine_loader::TensorType;

/// The name of the type that the words have in safetensors files.
const NAME: &str = "u32";

/// The tensor's contents, checked: ternary groups have the codes 0 to 2 and the bias `-scale`, binary ones the bias
/// `-scale / 2`.
///
/// # Errors
/// Dimensions and numbers of scales or biases that do not belong together; a code 3; scales that are negative, not
/// finite or no f16; other biases. Of four bits no scale is refused for its size.
pub(super) fn packed(tensor: &SourceTensor, words: Words, rows: usize, cols: usize) -> Result<Matrix, PackingError> {
    let Some((kind, columns)) = packing(words, cols) else {
        return Err(PackingError::Columns { packing: NAME, cols, multiple: SMALLEST_GROUP });
    };
    if !cols.is_multiple_of(columns) {
        return Err(PackingError::Columns { packing: NAME, cols, multiple: columns });
    }
    let (groups, group_bytes) = (rows * (cols / columns), columns * words.bits() / 8);
    let (expected, found) = (groups * group_bytes, tensor.bytes.len());
    if found != expected {
        return Err(PackingError::Length { packing: NAME, rows, cols, expected, found });
    }
    let per_row = words.columns().map_or(1, |columns| cols / columns);
    let beside = numbers_beside(tensor, words, rows * per_row)?;
    let groups = Groups { rows, cols, columns, group_bytes, codes: &tensor.bytes };
    match (words, &beside[..]) {
        (Words::Affine64, [scales, biases]) => groups.of_four_bits(scales, biases),
        (Words::TernaryRows, [scales]) => {
            let of_groups = scales.iter().flat_map(|scale| std::iter::repeat_n(*scale, cols / columns));
            let matrix = groups.of_codes(kind, of_groups)?;
            // A row's scale is that of all its groups, so the largest groups hold it.
            if cols.is_multiple_of(LARGEST_GROUP) { matrix.convert(PackingKind::Tq2_0) } else { Ok(matrix) }
        }
        (_, [scales, biases]) => {
            // Between the two values of a group of bits lie two magnitudes.
            let magnitude = |scale: f32| if words.bits() == 1 { scale / 2.0 } else { scale };
            // Other magnitudes are named with their place.
            let is_other = |(scale, bias): (&f32, &f32)| {
                let magnitude = magnitude(*scale);
                magnitude.is_finite() && magnitude >= 0.0 && *bias != -magnitude
            };
            if scales.iter().zip(biases).any(is_other) {
                return Err(PackingError::NotCodes { packing: NAME });
            }
            let magnitudes = scales.iter().map(|scale| magnitude(*scale));
            groups.of_codes(kind, magnitudes).map(super::matrices::in_largest_groups)
        }
        _ => Err(PackingError::NotWeights { packing: NAME }),
    }
}

/// Columns of the smallest and of the largest blocks of ternary packings with scales of groups.
const SMALLEST_GROUP: usize = 64;
const LARGEST_GROUP: usize = 256;

/// The packing whose blocks are such groups, and their columns.
fn packing(words: Words, cols: usize) -> Option<(PackingKind, usize)> {
    match words {
        Words::Ternary64 => Some((PackingKind::Q2_0, 64)),
        Words::Ternary128 => Some((PackingKind::Pq2_0, 128)),
        Words::Binary128 => Some((PackingKind::Q1_0, 128)),
        Words::Affine64 => Some((PackingKind::Q4_1, 64)),
        Words::TernaryRows if cols.is_multiple_of(128) => Some((PackingKind::Pq2_0, 128)),
        Words::TernaryRows if cols.is_multiple_of(SMALLEST_GROUP) => Some((PackingKind::Q2_0, SMALLEST_GROUP)),
        Words::TernaryRows => None,
    }
}

/// The numbers of the tensors beside words, so many of each.
fn numbers_beside(tensor: &SourceTensor, words: Words, expected: usize) -> Result<Vec<Vec<f32>>, PackingError> {
    let groups = tensor.groups.as_deref().unwrap_or_default();
    if groups.len() != words.beside().len() {
        return Err(PackingError::ScaleCount { packing: NAME, expected, found: 0 });
    }
    // The same axes, but for the last one.
    let leading = |dims: &[usize]| dims.split_last().map_or(&[][..], |(_, leading)| leading).to_vec();
    let of_rows = leading(&tensor.dims);
    let is_of_words = |group: &SourceTensor| match words.columns() {
        Some(_) => leading(&group.dims) == of_rows,
        None => group.dims == of_rows,
    };
    let all = groups.iter().map(|group| (is_of_words(group), group.elements(), numbers(group)));
    let found = all.map(|(is_of_words, elements, numbers)| match is_of_words && elements == expected {
        true if numbers.len() == expected => Ok(numbers),
        true => Err(numbers.len()),
        false => Err(elements),
    });
    let found: Result<Vec<_>, usize> = found.collect();
    found.map_err(|found| PackingError::ScaleCount { packing: NAME, expected, found })
}

/// Codes in words, by groups of columns.
struct Groups<'t> {
    rows: usize,
    cols: usize,
    columns: usize,
    group_bytes: usize,
    codes: &'t [u8],
}

impl Groups<'_> {
    /// A ternary or binary matrix in a packing whose blocks are the groups.
    fn of_codes(&self, kind: PackingKind, scales: impl Iterator<Item = f32>) -> Result<Matrix, PackingError> {
        let Groups { rows, cols, columns, group_bytes, codes } = *self;
        let mut bytes = Vec::with_capacity(codes.len() / group_bytes * kind.block_bytes());
        for (codes, scale) in codes.chunks_exact(group_bytes).zip(scales) {
            let half = f16::from_f32(scale);
            // What is negative or not finite is named with its place below.
            if scale.is_finite() && scale >= 0.0 && half.to_f32() != scale {
                return Err(PackingError::ScaleNotHalf { packing: kind.name(), found: scale });
            }
            bytes.extend(half.to_le_bytes());
            bytes.extend(codes);
        }
        Matrix::new(kind, rows, cols, Bytes::from(bytes)).map_err(|error| match error {
            PackingError::Block { row, block, fault, .. } => {
                let offset = (row * (cols / columns) + block) * group_bytes;
                PackingError::Block { packing: NAME, row, block, offset, fault }
            }
            other => other,
        })
    }

    /// A table of four bits, `w = code * scale + bias`: Q4_1 where f16 holds each scale and bias, else f32.
    fn of_four_bits(&self, scales: &[f32], biases: &[f32]) -> Result<Matrix, PackingError> {
        let Groups { rows, cols, columns, group_bytes, codes } = *self;
        let code = |codes: &[u8], column: usize| codes[column / 2] >> (4 * (column % 2)) & 15;
        let blocks = columns / Q4_1::BLOCK;
        let (mut bytes, is_other) = (vec![0; rows * (cols / Q4_1::BLOCK) * Q4_1::BLOCK_BYTES], AtomicBool::new(false));
        let block_of = |_: &mut (), index: usize, block: &mut [u8]| {
            let codes = &codes[index * group_bytes / blocks..][..group_bytes / blocks];
            // The scale of codes that are all 0 is not used. MLX makes one up, which f16 does not hold.
            let scale = if codes.iter().all(|byte| *byte == 0) { 0.0 } else { scales[index / blocks] };
            for (number, to) in [scale, biases[index / blocks]].into_iter().zip(block.as_chunks_mut::<2>().0) {
                let half = f16::from_f32(number);
                *to = half.to_le_bytes();
                if half.to_f32() != number {
                    is_other.store(true, Ordering::Relaxed);
                }
            }
            for (column, to) in block[4..].iter_mut().enumerate() {
                *to = code(codes, column) | code(codes, column + 16) << 4;
            }
        };
        parallel::for_each_piece(&mut bytes, Q4_1::BLOCK_BYTES, || (), block_of);
        if !is_other.into_inner() {
            return Matrix::new(PackingKind::Q4_1, rows, cols, Bytes::from(bytes));
        }
        drop(bytes);
        let mut bytes = vec![0; 4 * rows * cols];
        let values_of = |_: &mut (), group: usize, to: &mut [u8]| {
            let codes = &codes[group * group_bytes..][..group_bytes];
            for (column, to) in to.as_chunks_mut::<4>().0.iter_mut().enumerate() {
                let value = f32::from(code(codes, column)) * scales[group] + biases[group];
                *to = value.to_le_bytes();
            }
        };
        parallel::for_each_piece(&mut bytes, 4 * columns, || (), values_of);
        Matrix::new(PackingKind::F32, rows, cols, Bytes::from(bytes))
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    fn floats(name: &str, dims: &[usize], values: &[f32]) -> SourceTensor {
        SourceTensor {
            name: name.to_owned(),
            role: None,
            dims: dims.to_vec(),
            encoding: Encoding::Plain(TensorType::F32),
            file: Arc::from("a test"),
            offset: 0,
            bytes: values.iter().flat_map(|value| value.to_le_bytes()).collect(),
            groups: None,
            parts: None,
        }
    }

    /// Two rows of codes of two bits, under two scales.
    fn rows(cols: usize, codes: impl Fn(usize) -> u8) -> SourceTensor {
        let byte = |at: usize| (0..4).fold(0, |byte, code| byte | codes(4 * at + code) << (2 * code));
        SourceTensor {
            encoding: Encoding::Words(Words::TernaryRows),
            bytes: (0..cols / 2).map(byte).collect(),
            groups: Some([floats("row_alpha", &[2], &[0.5, 3.0])].into()),
            ..floats("weight", &[2, cols], &[])
        }
    }

    fn packed_rows(tensor: &SourceTensor) -> Result<Matrix, PackingError> {
        packed(tensor, Words::TernaryRows, 2, tensor.dims[1])
    }

    #[test]
    fn rows_of_every_length_get_the_largest_groups() {
        let code = |at: usize| ((at * at / 3 + at) % 3) as u8;
        for (cols, kind) in [(64, PackingKind::Q2_0), (192, PackingKind::Q2_0), (384, PackingKind::Pq2_0)]
            .into_iter()
            .chain([(256, PackingKind::Tq2_0), (512, PackingKind::Tq2_0)])
        {
            let matrix = packed_rows(&rows(cols, code)).unwrap();
            assert_eq!(matrix.kind(), kind, "{cols} columns");
            let mut values = vec![0.0; 2 * cols];
            values.chunks_exact_mut(cols).enumerate().for_each(|(row, values)| matrix.decode_row(row, values));
            for (at, value) in values.into_iter().enumerate() {
                let scale = if at < cols { 0.5 } else { 3.0 };
                assert_eq!(value, (f32::from(code(at)) - 1.0) * scale, "{cols} columns, {at}");
            }
        }
        assert!(matches!(packed_rows(&rows(96, code)), Err(PackingError::Columns { cols: 96, multiple: 64, .. })));
    }

    #[test]
    fn scales_are_as_many_as_rows() {
        let found = |groups: Option<Arc<[SourceTensor]>>| {
            let tensor = SourceTensor { groups, ..rows(64, |_| 1) };
            packed_rows(&tensor).unwrap_err()
        };
        let count = |found| PackingError::ScaleCount { packing: NAME, expected: 2, found };
        assert_eq!(found(None), count(0));
        assert_eq!(found(Some([floats("row_alpha", &[3], &[1.0; 3])].into())), count(3));
        assert_eq!(found(Some([floats("row_alpha", &[2, 1], &[1.0; 2])].into())), count(2));
    }
}
