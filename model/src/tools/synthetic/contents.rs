//! Random contents of tensors that every check of loading accepts.
//!
//! What belongs here: bytes of one tensor. What does not: which tensors there are, and how they are called.

use super::SyntheticError;
use crate::description::{BlockNumbers, Role};
use crate::weights;
use bytes::Bytes;
use half::f16;
use rand::Rng;
use rand_chacha::ChaCha8Rng;
use trine_kernels::packing::{I2S, MAX_COLS, PackScales, Packed, Packing, Pq2_0};
use trine_kernels::{Matrix, PackingError, PackingKind};
use trine_loader::{Ne, ShapeError, TensorType, WriteError};
use trine_shapes::{MAX_ELEMENTS, product_of, product_within};

/// Numbers that are at most 0.5 from the middle.
pub(super) fn random_numbers(len: usize, middle: f32, random: &mut ChaCha8Rng) -> Bytes {
    let number = |_| middle - 0.5 + random.next_u32() as f32 / u32::MAX as f32;
    (0..len).map(number).flat_map(f32::to_le_bytes).collect()
}

/// Decays are negative, taps and time steps of either sign.
pub(super) fn random_block_numbers(numbers: BlockNumbers, dims: &[usize], random: &mut ChaCha8Rng) -> Bytes {
    let middle = match numbers {
        BlockNumbers::Decay => -0.6,
        BlockNumbers::Convolution | BlockNumbers::TimeStep => 0.0,
    };
    random_numbers(product_of(dims), middle, random)
}

/// The packing of a type of ternary or binary matrices.
fn codes(kind: TensorType) -> Option<PackingKind> {
    weights::packing(kind).filter(|packing| PackingKind::CODED.contains(packing))
}

/// A ternary or binary matrix whose scale keeps the variance of what it multiplies.
pub(super) fn random_matrix(
    kind: TensorType,
    tensor: String,
    (rows, cols): (usize, usize),
    random: &mut ChaCha8Rng,
) -> Result<Bytes, SyntheticError> {
    let Some(packing) = codes(kind) else {
        let expected = "I2_S, TQ1_0, TQ2_0, Q2_0, PQ2_0, PTQ1_0, Q1_0";
        return Err(SyntheticError::Type { what: "matrices", found: kind, expected });
    };
    let refused = |source| SyntheticError::Matrix { tensor: tensor.clone(), source: Box::new(source) };
    let too_large = || PackingError::Dimensions { packing: kind.name(), rows, cols, max_cols: MAX_COLS };
    let elements = product_within(&[rows, cols], MAX_ELEMENTS).ok_or_else(|| refused(too_large()))?;
    let mut bits = vec![0; elements.div_ceil(4)];
    random.fill_bytes(&mut bits);
    // The sum of two random bits is a code.
    let mut codes = vec![0; 4 * bits.len()];
    for (codes, bits) in codes.as_chunks_mut::<4>().0.iter_mut().zip(&bits) {
        let sums = (bits & 0x55) + (bits >> 1 & 0x55);
        *codes = [sums & 3, sums >> 2 & 3, sums >> 4 & 3, sums >> 6];
    }
    let is_binary = packing == PackingKind::Q1_0;
    if is_binary {
        codes.iter_mut().enumerate().for_each(|(i, code)| *code = bits[i / 8] >> (i % 8) << 1 & 2);
    }
    let codes = &codes[..elements];
    let scale = (if is_binary { 1.0 } else { 2.0 } / cols as f32).sqrt();
    let matrix = if [PackingKind::I2S, PackingKind::Tq1_0, PackingKind::Tq2_0].contains(&packing) {
        let scale = f16::from_f32(scale).to_f32();
        Packed::<I2S>::pack(rows, cols, codes, PackScales::One(scale)).map(Matrix::from)
    } else {
        if !cols.is_multiple_of(Pq2_0::BLOCK) {
            let multiple = Pq2_0::BLOCK;
            return Err(refused(PackingError::Columns { packing: packing.name(), cols, multiple }));
        }
        // Of groups of 128 columns, as published files are, whose scales differ by up to two fifths.
        let group = |_| f16::from_f32(scale * (0.8 + 0.4 * (random.next_u32() as f32 / u32::MAX as f32))).to_f32();
        let scales: Vec<f32> = (0..elements / Pq2_0::BLOCK).map(group).collect();
        Packed::<Pq2_0>::pack(rows, cols, codes, PackScales::Blocks(&scales)).map(Matrix::from)
    };
    let matrix = matrix.and_then(|matrix| matrix.convert(packing)).map_err(refused)?;
    Ok(matrix.bytes().clone())
}

/// An embedding whose elements are below 0.1, or a ternary or binary one.
pub(super) fn random_table(
    kind: TensorType,
    role: Role,
    (rows, cols): (usize, usize),
    random: &mut ChaCha8Rng,
) -> Result<Bytes, SyntheticError> {
    if codes(kind).is_some() {
        return random_matrix(kind, role.to_string(), (rows, cols), random);
    }
    let shape_error = |error| WriteError::Shape { tensor: role.to_string(), error };
    let len = Ne::from_row_major(&[rows, cols]).and_then(|ne| kind.byte_len(&ne)).map_err(shape_error)?;
    let too_large = || shape_error(ShapeError::TooLarge { ne: vec![cols as u64, rows as u64] });
    let mut bytes = vec![0; usize::try_from(len).map_err(|_| too_large())?];
    random.fill_bytes(&mut bytes);
    match kind {
        TensorType::F32 => bytes.as_chunks_mut().0.iter_mut().for_each(with_exponent_f32),
        TensorType::F16 => bytes.as_chunks_mut().0.iter_mut().for_each(with_exponent_f16),
        TensorType::Q8_0 => bytes.as_chunks_mut::<34>().0.iter_mut().for_each(|block| set_scale(&mut block[..2], 5e-4)),
        TensorType::Q4_0 => bytes.as_chunks_mut::<18>().0.iter_mut().for_each(|block| set_scale(&mut block[..2], 1e-2)),
        TensorType::Q6_K => bytes.as_chunks_mut::<210>().0.iter_mut().for_each(|block| {
            set_scale(&mut block[208..], 2e-5);
        }),
        found => {
            let expected = "F32, F16, Q8_0, Q6_K, Q4_0, or one for matrices";
            return Err(SyntheticError::Type { what: "the embedding", found, expected });
        }
    }
    Ok(bytes.into())
}

/// Keeps sign and fraction; the magnitude is from 2^-5 to 2^-4.
fn with_exponent_f32(bytes: &mut [u8; 4]) {
    *bytes = (u32::from_le_bytes(*bytes) & 0x807f_ffff | (127 - 5) << 23).to_le_bytes();
}

/// Keeps sign and fraction; the magnitude is from 2^-5 to 2^-4.
fn with_exponent_f16(bytes: &mut [u8; 2]) {
    *bytes = (u16::from_le_bytes(*bytes) & 0x83ff | (15 - 5) << 10).to_le_bytes();
}

fn set_scale(to: &mut [u8], scale: f32) {
    to.copy_from_slice(&f16::from_f32(scale).to_le_bytes());
}
