//! What the ternary packings have in common: where codes lie in a block, which scales there are, packing and
//! conversion.
//!
//! What belongs here: everything that follows from the table of sections of a packing. What does not: the tables
//! themselves (one file for each packing) and products ([`crate::ternary`]).
//!
//! A *code* is 0, 1 or 2 and means the weight `scale * (code - 1)`.

use alloc::vec::Vec;

use bytes::Bytes;
use half::f16;

use super::{BlockFault, Packed, Packing, PackingError, WeightScale};
use crate::arch::floats::widen_f16;
use crate::parallel;

/// The code of weight 0.
pub(crate) const ZERO_CODE: u8 = 1;

/// The most codes that a byte holds in any packing.
pub const MAX_FIELDS: usize = 5;

/// The most bytes of a section in any packing.
const MAX_SECTION: usize = 32;

/// A run of bytes of a block: field `n` of byte `offset + m` is the code of element `element + n * bytes + m`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Section {
    /// First byte in the block.
    pub offset: usize,
    /// Number of bytes; a multiple of 4, at most 32.
    pub bytes: usize,
    /// Codes in each byte.
    pub fields: usize,
    /// First element in the block.
    pub element: usize,
}

/// The scales of a ternary matrix.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Scales {
    /// One scale for every non-zero weight. A matrix whose blocks have scales is of this kind too where all of them are
    /// equal, blocks of zeros (their scale is 0) aside; so the same weights give the same product in every packing.
    Tensor(f32),
    /// Blocks differ in scale.
    Blocks,
}

/// Scales to pack a matrix with.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum PackScales<'a> {
    /// One scale for the matrix.
    One(f32),
    /// One scale for each block, row by row.
    Blocks(&'a [f32]),
}

/// A packing of ternary codes.
pub trait Ternary: Packing<Shared = Scales> {
    /// Where the codes of a block lie.
    const SECTIONS: &'static [Section];
    /// First byte of the block's little-endian f16 scale; `None` where the scale is in the trailer.
    const SCALE_OFFSET: Option<usize>;

    /// The code in field `field` of `byte`; 3 is possible only where two bits hold a code, and is not valid.
    fn code(byte: u8, field: usize) -> u8;

    /// Whether a field of `byte` has the code 3.
    fn has_code_3(byte: u8) -> bool;

    /// The byte with these codes; fields that a section lacks are 0.
    fn byte(codes: [u8; MAX_FIELDS]) -> u8;

    /// The bytes after the last block for a matrix with one scale.
    fn trailer(scale: f32) -> Vec<u8>;
}

/// The scale of a block; `tensor` where blocks have none of their own.
#[inline(always)]
pub(crate) fn block_scale<P: Ternary>(block: &[u8], tensor: f32) -> f32 {
    match P::SCALE_OFFSET {
        Some(at) => widen_f16(u16::from_le_bytes([block[at], block[at + 1]])),
        None => tensor,
    }
}

/// Decodes the codes of one block; `out` has `P::BLOCK` elements.
#[inline(always)]
pub(crate) fn block_codes<P: Ternary>(block: &[u8], out: &mut [u8]) {
    for section in P::SECTIONS {
        let bytes = &block[section.offset..][..section.bytes];
        for field in 0..section.fields {
            let out = &mut out[section.element + field * section.bytes..][..section.bytes];
            for (code, &byte) in out.iter_mut().zip(bytes) {
                *code = P::code(byte, field);
            }
        }
    }
}

/// [`Packing::shared`] of the packings with block scales.
pub(crate) fn shared_of_blocks<P: Ternary>(blocks: &[u8]) -> Scales {
    let mut scales =
        blocks.chunks_exact(P::BLOCK_BYTES).map(|block| block_scale::<P>(block, 0.0)).filter(|&s| s != 0.0);
    let Some(first) = scales.next() else { return Scales::Tensor(0.0) };
    if scales.all(|scale| scale == first) { Scales::Tensor(first) } else { Scales::Blocks }
}

/// [`Packing::find_fault`] of the ternary packings: a code of 3, a scale that is not finite, or a zero scale over
/// non-zero weights.
pub(crate) fn find_fault<P: Ternary>(blocks: &[u8], shared: Scales) -> Option<(usize, BlockFault)> {
    let tensor = if let Scales::Tensor(scale) = shared { scale } else { 0.0 };
    let fault = |block: &[u8]| {
        let scale = block_scale::<P>(block, tensor);
        if !scale.is_finite() {
            return Some(BlockFault::NotFinite { name: "scale", found: scale });
        }
        let bytes = &block[..P::SCALE_OFFSET.unwrap_or(P::BLOCK_BYTES)];
        let suspect = bytes.iter().fold(false, |found, &byte| found | P::has_code_3(byte));
        if !suspect && scale != 0.0 {
            return None;
        }
        let mut codes = [0; 256];
        let codes = &mut codes[..P::BLOCK];
        block_codes::<P>(block, codes);
        if let Some(element) = codes.iter().position(|&code| code > 2) {
            return Some(BlockFault::Code { element });
        }
        codes.iter().position(|&code| code != ZERO_CODE).map(|element| BlockFault::ZeroScale { element })
    };
    blocks.chunks_exact(P::BLOCK_BYTES).enumerate().find_map(|(index, block)| Some((index, fault(block)?)))
}

/// [`Packing::decode`] of the ternary packings: `scale * (code - 1)`.
#[inline(always)]
pub(crate) fn decode<P: Ternary>(blocks: &[u8], shared: Scales, out: &mut [f32]) {
    let tensor = if let Scales::Tensor(scale) = shared { scale } else { 0.0 };
    let mut codes = [0; 256];
    for (block, out) in blocks.chunks_exact(P::BLOCK_BYTES).zip(out.chunks_mut(P::BLOCK)) {
        let scale = block_scale::<P>(block, tensor);
        block_codes::<P>(block, &mut codes[..P::BLOCK]);
        for (value, &code) in out.iter_mut().zip(&codes) {
            *value = scale * (f32::from(code) - 1.0);
        }
    }
}

impl<P: Ternary> Packed<P> {
    /// Packs `codes`, row by row; rows are padded to whole blocks with zero weights.
    ///
    /// # Errors
    /// A [`PackingError`]: dimensions, number of codes or scales, a code above 2, a scale that the packing cannot hold
    /// exactly, or scales that differ where the packing has one.
    pub fn pack(rows: usize, cols: usize, codes: &[u8], scales: PackScales<'_>) -> Result<Self, PackingError> {
        let total = Self::total_bytes_of(rows, cols)?;
        let expected = rows * cols;
        if codes.len() != expected {
            return Err(PackingError::Elements { packing: P::NAME, rows, cols, expected, found: codes.len() });
        }
        if let Some(element) = codes.iter().position(|&code| code > 2) {
            return Err(PackingError::Code { packing: P::NAME, element, found: codes[element] });
        }
        let in_row = cols.div_ceil(P::BLOCK);
        let scale_of = block_scales::<P>(rows * in_row, scales)?;
        let mut bytes = vec![0; total - P::TRAILER];
        let padded = || vec![ZERO_CODE; in_row * P::BLOCK];
        let pack_row = |padded: &mut Vec<u8>, row: usize, to: &mut [u8], from: &[u8]| {
            padded[..cols].copy_from_slice(from);
            let blocks = to.chunks_exact_mut(P::BLOCK_BYTES).zip(padded.chunks_exact(P::BLOCK));
            for (index, (block, codes)) in blocks.enumerate() {
                pack_block::<P>(codes, scale_of(row * in_row + index), block);
            }
        };
        parallel::for_each_pair((&mut bytes, in_row * P::BLOCK_BYTES), (codes, cols), 1, padded, pack_row);
        if P::TRAILER > 0 {
            bytes.extend(P::trailer(scale_of(0)));
        }
        Self::with_padded_rows(rows, cols, Bytes::from(bytes))
    }

    /// Decodes the codes of one row.
    ///
    /// # Panics
    /// If `row` is not below [`Packed::rows`] or `out` does not have [`Packed::cols`] elements.
    pub fn row_codes(&self, row: usize, out: &mut [u8]) {
        assert_eq!(out.len(), self.cols(), "a row has as many codes as the matrix has columns");
        let mut codes = [0; 256];
        for (block, out) in self.row(row).chunks_exact(P::BLOCK_BYTES).zip(out.chunks_mut(P::BLOCK)) {
            block_codes::<P>(block, &mut codes[..P::BLOCK]);
            out.copy_from_slice(&codes[..out.len()]);
        }
    }

    /// The scale of each block, row by row.
    pub fn scales(&self) -> Vec<f32> {
        let tensor = if let Scales::Tensor(scale) = self.shared() { scale } else { 0.0 };
        self.blocks().chunks_exact(P::BLOCK_BYTES).map(|block| block_scale::<P>(block, tensor)).collect()
    }

    /// The same weights in the packing `Q`, exactly; the multiplier is kept.
    ///
    /// # Errors
    /// A [`PackingError`] where `Q` cannot hold the weights: columns that are not a multiple of its block where it has
    /// block scales, a scale that f16 cannot hold exactly, or scales that differ where `Q` has one.
    pub fn convert<Q: Ternary>(&self) -> Result<Packed<Q>, PackingError> {
        if Q::SCALE_OFFSET.is_some() && !self.cols().is_multiple_of(Q::BLOCK) {
            return Err(PackingError::Columns { packing: Q::NAME, cols: self.cols(), multiple: Q::BLOCK });
        }
        let mut codes = vec![0; self.rows() * self.cols()];
        for (row, out) in codes.chunks_exact_mut(self.cols()).enumerate() {
            self.row_codes(row, out);
        }
        let scales = self.scales();
        let scales = match self.shared() {
            Scales::Tensor(scale) => PackScales::One(scale),
            Scales::Blocks => PackScales::Blocks(&scales),
        };
        Packed::<Q>::pack(self.rows(), self.cols(), &codes, scales)?
            .with_multiplier(WeightScale::new(self.multiplier())?)
    }
}

/// The scale of each of `blocks` blocks, by index, checked to be what the packing can hold.
fn block_scales<P: Ternary>(
    blocks: usize,
    scales: PackScales<'_>,
) -> Result<impl Fn(usize) -> f32 + Sync + '_, PackingError> {
    if let PackScales::Blocks(scales) = scales {
        if P::SCALE_OFFSET.is_none() {
            return Err(PackingError::ScalesDiffer { packing: P::NAME });
        }
        if scales.len() != blocks {
            return Err(PackingError::ScaleCount { packing: P::NAME, expected: blocks, found: scales.len() });
        }
    }
    let all = match &scales {
        PackScales::One(scale) => core::slice::from_ref(scale),
        PackScales::Blocks(scales) => scales,
    };
    let exact = |scale: f32| P::SCALE_OFFSET.is_none() || f16::from_f32(scale).to_f32() == scale;
    if let Some(&found) = all.iter().find(|&&scale| !exact(scale)) {
        return Err(PackingError::ScaleNotHalf { packing: P::NAME, found });
    }
    Ok(move |block| match scales {
        PackScales::One(scale) => scale,
        PackScales::Blocks(scales) => scales[block],
    })
}

/// Fills one block, which is zero, with `codes`.
fn pack_block<P: Ternary>(codes: &[u8], scale: f32, block: &mut [u8]) {
    for section in P::SECTIONS {
        let mut fields = [[0; MAX_SECTION]; MAX_FIELDS];
        for (n, field) in fields.iter_mut().enumerate().take(section.fields) {
            let from = &codes[section.element + n * section.bytes..][..section.bytes];
            field[..section.bytes].copy_from_slice(from);
        }
        let packed: [u8; MAX_SECTION] = core::array::from_fn(|m| P::byte(fields.map(|field| field[m])));
        block[section.offset..][..section.bytes].copy_from_slice(&packed[..section.bytes]);
    }
    if let Some(at) = P::SCALE_OFFSET {
        block[at..at + 2].copy_from_slice(&f16::from_f32(scale).to_le_bytes());
    }
}
