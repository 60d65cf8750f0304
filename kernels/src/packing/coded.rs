//! What the packings of codes have in common: where codes lie in a block, which scales there are, and packing.
//!
//! What belongs here: everything that follows from the table of sections of a packing. What does not: the tables
//! themselves (one file for each packing), conversions ([`super::convert`]), which packing holds the matrices of
//! another ([`super::group`]) and products ([`crate::product::ternary`]).
//!
//! A *code* is 0, 1 or 2 and means the weight `scale * (code - 1)`. Binary packings have no code 1.

use alloc::vec::Vec;

use bytes::Bytes;
use half::f16;

use super::{Block, BlockFault, Packed, Packing, PackingError, ScaleGroup};
use crate::machine::parallel;
use crate::simd::floats::widen_f16;

/// The code of weight 0.
pub(crate) const ZERO_CODE: u8 = 1;

/// The most codes that a byte holds in any packing.
pub const MAX_FIELDS: usize = 8;

/// The most bytes of a section in any packing.
const MAX_SECTION: usize = 32;

/// The most elements of a block in any packing.
pub(crate) const MAX_BLOCK: usize = 256;

/// Which elements the fields of a section's bytes are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// Field `n` of byte `m` is element `n * bytes + m` of the section.
    Planes,
    /// Field `n` of byte `m` is element `m * fields + n` of the section.
    Bytes,
}

/// A run of bytes of a block, and the elements whose codes they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Section {
    /// First byte in the block.
    pub offset: usize,
    /// Number of bytes, at most 32.
    pub bytes: usize,
    /// Codes in each byte.
    pub fields: usize,
    /// First element in the block.
    pub element: usize,
    /// How elements are dealt to fields and bytes.
    pub order: Order,
}

impl Section {
    /// The element of a field of a byte of the section, in the block.
    #[inline(always)]
    pub const fn element(&self, field: usize, byte: usize) -> usize {
        self.element
            + match self.order {
                Order::Planes => field * self.bytes + byte,
                Order::Bytes => byte * self.fields + field,
            }
    }
}

/// The scales of a ternary matrix.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Scales {
    /// One scale for every non-zero weight. A matrix whose blocks have scales is of this kind too where all of them are
    /// equal, blocks of zeros (their scale is 0) aside; so the same ternary weights give the same product in every
    /// packing.
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

/// How the fields of a byte hold codes.
pub trait Fields {
    /// The code in field `field` of `byte`; 3 is possible only where two bits hold a code, and is not valid.
    fn code(byte: u8, field: usize) -> u8;

    /// Whether a field of `byte` has the code 3.
    #[inline(always)]
    fn has_code_3(_byte: u8) -> bool {
        false
    }

    /// The byte with these codes; fields that a section lacks are 0.
    fn byte(codes: [u8; MAX_FIELDS]) -> u8;
}

/// Four pairs of bits, the first lowest.
#[derive(Debug)]
pub struct Pairs;

impl Fields for Pairs {
    #[inline(always)]
    fn code(byte: u8, field: usize) -> u8 {
        byte >> (2 * field) & 3
    }

    #[inline(always)]
    fn has_code_3(byte: u8) -> bool {
        byte & (byte >> 1) & 0x55 != 0
    }

    #[inline(always)]
    fn byte(codes: [u8; MAX_FIELDS]) -> u8 {
        codes[0] | codes[1] << 2 | codes[2] << 4 | codes[3] << 6
    }
}

/// Five digits in base 3 of the fraction `byte / 256`, the leading one first: the byte is the least with these digits,
/// `ceil(value * 256 / 243)` where `value` has them as its own.
#[derive(Debug)]
pub struct Trits;

impl Fields for Trits {
    #[inline(always)]
    fn code(byte: u8, field: usize) -> u8 {
        const POWERS: [u8; 5] = [1, 3, 9, 27, 81];
        let rest = byte.wrapping_mul(POWERS[field]);
        ((u16::from(rest) * 3) >> 8) as u8
    }

    #[inline(always)]
    fn byte(codes: [u8; MAX_FIELDS]) -> u8 {
        let value = codes[..5].iter().fold(0, |value, &code| 3 * value + u32::from(code));
        (value * 256).div_ceil(243) as u8
    }
}

/// A packing of codes, [`Ternary`] or [`Binary`].
pub trait Coded: Packing<Shared = Scales> {
    /// Which weights share a scale.
    type Group: ScaleGroup;
    /// Where the codes of a block lie.
    const SECTIONS: &'static [Section];
    /// First byte of the block's little-endian f16 scale; `None` where the scale is in the trailer.
    const SCALE_OFFSET: Option<usize>;
    /// Whether there is a code for the weight 0: in all but binary packings.
    const HAS_ZERO: bool = true;
    /// Whether a negative scale is refused: where every program that writes the type takes a magnitude for the scale,
    /// so that a negative one is a sign of bytes that are of another type.
    const MAGNITUDES: bool = false;

    /// How a byte holds codes.
    type Fields: Fields;

    /// The bytes after the last block for a matrix with one scale.
    fn trailer(_scale: f32) -> Vec<u8> {
        Vec::new()
    }
}

/// A packing of the weights `-scale`, 0 and `scale`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a ternary packing",
    note = "binary packings have no weight 0; what is for both takes `Coded`"
)]
pub trait Ternary: Coded {}

/// A packing of the weights `-scale` and `scale`: no weight is 0, so a ternary matrix is not one of these.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a binary packing",
    note = "ternary packings have a weight 0; what is for both takes `Coded`"
)]
pub trait Binary: Coded {}

/// The scale of a block; `tensor` where blocks have none of their own.
#[inline(always)]
pub(crate) fn block_scale<P: Coded>(block: &[u8], tensor: f32) -> f32 {
    match P::SCALE_OFFSET {
        Some(at) => widen_f16(u16::from_le_bytes([block[at], block[at + 1]])),
        None => tensor,
    }
}

/// Decodes the codes of one block; `out` has `P::BLOCK` elements.
#[inline(always)]
pub(crate) fn block_codes<P: Coded>(block: &[u8], out: &mut [u8]) {
    for section in P::SECTIONS {
        let bytes = &block[section.offset..][..section.bytes];
        for field in 0..section.fields {
            for (m, &byte) in bytes.iter().enumerate() {
                out[section.element(field, m)] = P::Fields::code(byte, field);
            }
        }
    }
}

/// [`Packing::shared`] of the packings with block scales.
pub(crate) fn shared_of_blocks<P: Coded>(blocks: &[u8]) -> Scales {
    let is_one = |&scale: &f32| !P::HAS_ZERO || scale != 0.0;
    let mut scales = blocks.chunks_exact(P::BLOCK_BYTES).map(|block| block_scale::<P>(block, 0.0)).filter(is_one);
    let Some(first) = scales.next() else { return Scales::Tensor(0.0) };
    if scales.all(|scale| scale == first) { Scales::Tensor(first) } else { Scales::Blocks }
}

/// [`Packing::find_fault`] of the packings of codes: a code of 3, a scale that is not finite or is negative where it
/// is a magnitude, or a zero scale over codes that are not zero.
pub(crate) fn find_fault<P: Coded>(blocks: &[u8], shared: Scales) -> Option<(usize, BlockFault)> {
    let tensor = if let Scales::Tensor(scale) = shared { scale } else { 0.0 };
    let fault = |block: &[u8]| {
        let scale = block_scale::<P>(block, tensor);
        if !scale.is_finite() {
            return Some(BlockFault::NotFinite { name: "scale", found: scale });
        }
        if P::MAGNITUDES && scale < 0.0 {
            return Some(BlockFault::Negative { found: scale });
        }
        let mut suspect = scale == 0.0 && P::HAS_ZERO;
        for section in P::SECTIONS {
            let bytes = &block[section.offset..][..section.bytes];
            suspect |= bytes.iter().fold(false, |found, &byte| found | P::Fields::has_code_3(byte));
        }
        if !suspect {
            return None;
        }
        let mut codes = [0; MAX_BLOCK];
        let codes = &mut codes[..P::BLOCK];
        block_codes::<P>(block, codes);
        if let Some(element) = codes.iter().position(|&code| code > 2) {
            return Some(BlockFault::Code { element });
        }
        codes.iter().position(|&code| code != ZERO_CODE).map(|element| BlockFault::ZeroScale { element })
    };
    blocks.chunks_exact(P::BLOCK_BYTES).enumerate().find_map(|(index, block)| Some((index, fault(block)?)))
}

/// [`Packing::decode`] of the packings of codes: `scale * (code - 1)`.
#[inline(always)]
pub(crate) fn decode<P: Coded>(blocks: &[u8], shared: Scales, out: &mut [f32]) {
    let tensor = if let Scales::Tensor(scale) = shared { scale } else { 0.0 };
    let mut codes = [0; MAX_BLOCK];
    for (block, out) in blocks.chunks_exact(P::BLOCK_BYTES).zip(out.chunks_mut(P::BLOCK)) {
        let scale = block_scale::<P>(block, tensor);
        block_codes::<P>(block, &mut codes[..P::BLOCK]);
        for (value, &code) in out.iter_mut().zip(&codes) {
            *value = scale * (f32::from(code) - 1.0);
        }
    }
}

impl<P: Coded> Packed<P> {
    /// Packs `codes`, row by row; rows are padded to whole blocks with zero weights, which a binary packing does not
    /// have.
    ///
    /// # Errors
    /// A [`PackingError`]: dimensions, number of codes or scales, a code above 2, a scale that the packing cannot hold
    /// exactly, or scales that differ where the packing has one.
    pub fn pack(rows: usize, cols: usize, codes: &[u8], scales: PackScales<'_>) -> Result<Self, PackingError> {
        let total = Self::total_bytes_of(rows, cols)?;
        if !P::HAS_ZERO && !cols.is_multiple_of(P::BLOCK) {
            return Err(PackingError::Columns { packing: P::NAME, cols, multiple: P::BLOCK });
        }
        let expected = rows * cols;
        if codes.len() != expected {
            return Err(PackingError::Elements { packing: P::NAME, rows, cols, expected, found: codes.len() });
        }
        let is_none = |code: u8| code > 2 || (!P::HAS_ZERO && code == ZERO_CODE);
        if let Some(element) = codes.iter().position(|&code| is_none(code)) {
            return Err(PackingError::Code { packing: P::NAME, element, found: codes[element] });
        }
        let in_row = cols.div_ceil(P::BLOCK);
        let scale_of = block_scales::<P>(rows * in_row, scales)?;
        let mut bytes = vec![0; total - P::TRAILER];
        let padded = || vec![ZERO_CODE; in_row * P::BLOCK];
        let pack_row = |padded: &mut Vec<u8>, row: usize, to: &mut [u8], from: &[u8]| {
            padded[..cols].copy_from_slice(from);
            let blocks = Block::<P>::chunks_from_slice_mut(to).0.iter_mut().zip(padded.chunks_exact(P::BLOCK));
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
        codes_of_blocks::<P>(self.row_blocks(row), out);
    }

    /// The scale of each block, row by row.
    pub fn scales(&self) -> Vec<f32> {
        let tensor = if let Scales::Tensor(scale) = self.shared() { scale } else { 0.0 };
        self.blocks().chunks_exact(P::BLOCK_BYTES).map(|block| block_scale::<P>(block, tensor)).collect()
    }

    /// All codes, row by row.
    pub(super) fn codes(&self) -> Vec<u8> {
        let mut codes = vec![0; self.rows() * self.cols()];
        let (to, from) = ((&mut codes[..], self.cols()), (self.blocks(), self.row_bytes()));
        let codes_of = |_: &mut (), _, codes: &mut [u8], row: &[u8]| {
            codes_of_blocks::<P>(Block::<P>::chunks_from_slice(row).0, codes);
        };
        parallel::for_each_pair(to, from, 1, || (), codes_of);
        codes
    }
}

/// Decodes the codes of blocks; `out` may end within the last.
fn codes_of_blocks<P: Coded>(blocks: &[Block<P>], out: &mut [u8]) {
    let mut codes = [0; MAX_BLOCK];
    for (block, out) in blocks.iter().zip(out.chunks_mut(P::BLOCK)) {
        block_codes::<P>(block, &mut codes[..P::BLOCK]);
        out.copy_from_slice(&codes[..out.len()]);
    }
}

/// The scale of each of `blocks` blocks, by index, checked to be what the packing can hold.
fn block_scales<P: Coded>(
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
fn pack_block<P: Coded>(codes: &[u8], scale: f32, block: &mut Block<P>) {
    for section in P::SECTIONS {
        let mut fields = [[0; MAX_FIELDS]; MAX_SECTION];
        for (m, byte) in fields.iter_mut().enumerate().take(section.bytes) {
            for (n, field) in byte.iter_mut().enumerate().take(section.fields) {
                *field = codes[section.element(n, m)];
            }
        }
        let packed = fields.map(P::Fields::byte);
        block[section.offset..][..section.bytes].copy_from_slice(&packed[..section.bytes]);
    }
    if let Some(at) = P::SCALE_OFFSET {
        block[at..at + 2].copy_from_slice(&f16::from_f32(scale).to_le_bytes());
    }
}

/// A packing of codes, whose blocks have the type that its documentation says, in `$columns` columns and `$bytes`
/// bytes; products with f32 activations decode it block by block.
macro_rules! coded_packing {
    ($(#[$doc:meta])* $packing:ident, $name:literal, $columns:ident, $bytes:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy)]
        pub struct $packing;

        impl $crate::packing::Packing for $packing {
            const NAME: &'static str = $name;
            type Columns = $columns;
            type BlockBytes = $bytes;
            type Shared = $crate::packing::Scales;

            fn shared(blocks: &[u8], _: &[u8]) -> Result<Self::Shared, $crate::packing::PackingError> {
                Ok($crate::packing::coded::shared_of_blocks::<Self>(blocks))
            }

            fn find_fault(blocks: &[u8], shared: Self::Shared) -> Option<(usize, $crate::packing::BlockFault)> {
                $crate::packing::coded::find_fault::<Self>(blocks, shared)
            }

            fn decode(blocks: &[u8], shared: Self::Shared, out: &mut [f32]) {
                $crate::packing::coded::decode::<Self>(blocks, shared, out);
            }
        }

        $crate::packing::coded::decoded_units!($packing, $columns);
    };
}
pub(super) use coded_packing;

/// Products of a packing of codes with f32 activations: a unit is a block, decoded.
macro_rules! decoded_units {
    ($packing:ident, $columns:ident) => {
        impl $crate::packing::DensePacking for $packing {
            const UNIT: usize = <$columns as typenum::Unsigned>::USIZE;
            type Unit<'a, S: $crate::simd::floats::Floats> = [f32; <$columns as typenum::Unsigned>::USIZE];

            #[inline(always)]
            fn unit<S: $crate::simd::floats::Floats>(
                _: S,
                bytes: &[u8],
                shared: $crate::packing::Scales,
            ) -> Self::Unit<'_, S> {
                let mut values = [0.0; <$columns as typenum::Unsigned>::USIZE];
                $crate::packing::coded::decode::<Self>(bytes, shared, &mut values);
                values
            }

            #[inline(always)]
            fn vector<S: $crate::simd::floats::Floats>(floats: S, unit: &Self::Unit<'_, S>, index: usize) -> S::F32x16 {
                floats.load(&unit.as_chunks().0[index])
            }
        }
    };
}
pub(super) use decoded_units;
