//! How weights lie in memory: one zero-sized type for each packing, and [`Packed`], a checked matrix of one packing.
//!
//! What belongs here: block sizes, byte layouts, validation, decoding, packing. What does not: products (they are in
//! [`crate::product::ternary`] and [`crate::product::dense`]), files, tensor names. Numbers are little-endian at any
//! alignment.

mod coded;
mod convert;
mod dense;
mod encode;
mod error;
mod float;
mod from_codes;
mod from_float;
mod group;
mod i2s;
mod int16;
mod k_blocks;
mod layouts;
mod nibbles;
mod pq2_0;
mod ptq1_0;
mod q1_0;
mod q2_0;
mod q4_0;
mod q4_1;
mod q4_k;
mod q5_0;
mod q5_1;
mod q5_k;
mod q6_k;
mod q8_0;
mod scale;
mod stq1_0;
#[cfg(test)]
mod tests;
mod tq1_0;
mod tq2_0;

use alloc::vec::Vec;
use core::fmt::Debug;
use core::ops::Range;

use bytes::Bytes;
use generic_array::{ArrayLength, GenericArray};
use trine_memory::{MAX_ELEMENTS, product_within};
use typenum::Unsigned;

use crate::machine::parallel;

pub use coded::{Binary, Coded, Fields, MAX_FIELDS, Order, PackScales, Scales, Section, Ternary};
pub use encode::FromFloat;
pub use error::{BlockFault, PackingError};
pub use from_codes::{ternary_from_int8, ternary_from_packed_rows};
pub use from_float::{ABSMEAN_FLOOR, absmean, ternary_from_f32};
pub use group::{Groups64, Groups128, Groups256, Lossless, ScaleGroup, SplitsInto, WholeMatrix};
pub use i2s::I2S;
pub use layouts::{I2sPacking, TernaryLayout};
pub use pq2_0::Pq2_0;
pub use ptq1_0::Ptq1_0;
pub use q1_0::Q1_0;
pub use q2_0::Q2_0;
pub use scale::{InverseScale, WeightScale};
pub use tq1_0::Tq1_0;
pub use tq2_0::Tq2_0;

pub(crate) use coded::{MAX_BLOCK, ZERO_CODE, block_codes, block_scale};
pub(crate) use convert::Runs;
pub(crate) use dense::{DensePacking, MAX_UNIT, MAX_UNIT_BYTES, whole_unit};
pub use float::{BF16, F16, F32};
pub(crate) use int16::{ActivationBlock, Int16Packing, Planes, WordBlock, WordPacking, WordVisitor};
pub(crate) use layouts::Unpacked;
pub use q4_0::Q4_0;
pub use q4_1::Q4_1;
pub use q4_k::Q4K;
pub use q5_0::Q5_0;
pub use q5_1::Q5_1;
pub use q5_k::Q5K;
pub use q6_k::Q6K;
pub use q8_0::Q8_0;

/// The largest number of columns of a matrix. Integer sums of codes up to 2 times activations down to -128 stay below
/// 2^31.
pub const MAX_COLS: usize = 1 << 22;

/// The bytes of a block of `P`.
pub type Block<P> = GenericArray<u8, <P as Packing>::BlockBytes>;

/// A layout of matrix elements in blocks; rows are whole numbers of blocks, one after the other.
///
/// Implementations are zero-sized types. `blocks` arguments hold whole blocks of one matrix, `BLOCK_BYTES` each.
pub trait Packing: Debug + Copy + Send + Sync + 'static {
    /// The name in lower case, as GGUF tools spell it.
    const NAME: &'static str;
    /// Elements of a block, as a type.
    type Columns: ArrayLength;
    /// Bytes of a block, as a type.
    type BlockBytes: ArrayLength;
    /// Elements of a block.
    const BLOCK: usize = Self::Columns::USIZE;
    /// Bytes of a block.
    const BLOCK_BYTES: usize = Self::BlockBytes::USIZE;
    /// Bytes after the last block of a matrix.
    const TRAILER: usize = 0;

    /// What the blocks of a matrix share, computed once; `()` where blocks stand alone.
    type Shared: Debug + Copy + Send + Sync;

    /// Computes what the blocks share from all of them and from the trailer.
    ///
    /// # Errors
    /// [`PackingError::Scale`] where the trailer's scale is not one.
    fn shared(blocks: &[u8], trailer: &[u8]) -> Result<Self::Shared, PackingError>;

    /// The first block that is not valid, counted from the start of `blocks`, and why.
    fn find_fault(blocks: &[u8], shared: Self::Shared) -> Option<(usize, BlockFault)>;

    /// Decodes blocks to `f32`. `out` has `BLOCK` elements for each block; only where the packing has padded rows
    /// (I2_S), it may end within the last.
    fn decode(blocks: &[u8], shared: Self::Shared, out: &mut [f32]);
}

/// Bytes of blocks that are worth a thread of their own: some tenths of a millisecond.
const SEARCHED_BY_A_THREAD: usize = 1 << 21;

/// [`Packing::find_fault`] on as many threads as the blocks are worth and loading has ([`crate::machine::parallel`]).
fn first_fault<P: Packing>(blocks: &[u8], shared: P::Shared) -> Option<(usize, BlockFault)> {
    let worth = blocks.len() / SEARCHED_BY_A_THREAD;
    // Who asks for the number of threads starts them.
    if worth < 2 {
        return P::find_fault(blocks, shared);
    }
    let threads = worth.min(parallel::threads());
    let piece = blocks.len().div_ceil(threads).next_multiple_of(P::BLOCK_BYTES);
    parallel::find(blocks, piece, &|number, blocks| {
        let (index, fault) = P::find_fault(blocks, shared)?;
        Some((number * (piece / P::BLOCK_BYTES) + index, fault))
    })
}

/// A `[rows, columns]` row-major matrix in the packing `P`, checked: its length is exact and every block is valid.
///
/// Rows are padded to whole blocks; matrices of files have no padding, because their packings require whole blocks.
/// Clones share the bytes.
///
/// ```
/// use trine_kernels::packing::{I2S, Packed, Tq2_0};
/// fn first_codes(matrix: &Packed<I2S>) {}
/// fn of_i2_s(matrix: &Packed<I2S>) {
///     first_codes(matrix)
/// }
/// ```
/// Another packing orders its codes differently:
/// ```compile_fail,E0308
/// # use trine_kernels::packing::{I2S, Packed, Tq2_0};
/// # fn first_codes(matrix: &Packed<I2S>) {}
/// fn of_tq2_0(matrix: &Packed<Tq2_0>) {
///     first_codes(matrix)
/// }
/// ```
#[derive(Debug, Clone)]
pub struct Packed<P: Packing> {
    bytes: Bytes,
    rows: usize,
    cols: usize,
    multiplier: f32,
    shared: P::Shared,
}

impl<P: Packing> Packed<P> {
    /// Checks `bytes` as a matrix whose rows are whole blocks, without copying it.
    ///
    /// # Errors
    /// A [`PackingError`] that names the row, block and byte offset at fault: a dimension that is 0, too large or not a
    /// multiple of the block; a wrong length; a code or scale that is not valid.
    pub fn new(rows: usize, cols: usize, bytes: Bytes) -> Result<Self, PackingError> {
        Self::checked_row_bytes(rows, cols)?;
        Self::with_padded_rows(rows, cols, bytes)
    }

    /// The bytes of a row of a matrix of whole blocks, if these are the dimensions of one.
    fn checked_row_bytes(rows: usize, cols: usize) -> Result<usize, PackingError> {
        if !cols.is_multiple_of(P::BLOCK) {
            return Err(PackingError::Columns { packing: P::NAME, cols, multiple: P::BLOCK });
        }
        Self::total_bytes_of(rows, cols)?;
        Ok(Self::row_bytes_of(cols))
    }

    /// Checks `bytes` as a matrix whose rows are padded to whole blocks.
    pub(crate) fn with_padded_rows(rows: usize, cols: usize, bytes: Bytes) -> Result<Self, PackingError> {
        let expected = Self::total_bytes_of(rows, cols)?;
        if bytes.len() != expected {
            let found = bytes.len();
            return Err(PackingError::Length { packing: P::NAME, rows, cols, expected, found });
        }
        let (blocks, trailer) = bytes.split_at(expected - P::TRAILER);
        let shared = P::shared(blocks, trailer)?;
        if let Some((index, fault)) = first_fault::<P>(blocks, shared) {
            let in_row = cols.div_ceil(P::BLOCK);
            let (row, block, offset) = (index / in_row, index % in_row, index * P::BLOCK_BYTES);
            return Err(PackingError::Block { packing: P::NAME, row, block, offset, fault });
        }
        Ok(Packed { bytes, rows, cols, multiplier: 1.0, shared })
    }

    /// The same matrix times `scale`, which products apply last: `y = (W x) * scale`.
    ///
    /// # Errors
    /// [`PackingError::Multiplier`] where it has a scale already and their product is not finite.
    pub fn with_multiplier(mut self, scale: WeightScale) -> Result<Self, PackingError> {
        self.multiplier = WeightScale::new(self.multiplier * scale.into_inner())?.into_inner();
        Ok(self)
    }

    /// Number of rows: outputs of the product.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Number of columns: inputs of the product.
    pub fn cols(&self) -> usize {
        self.cols
    }

    /// The factor that products apply last; 1 unless set.
    pub fn multiplier(&self) -> f32 {
        self.multiplier
    }

    /// What the blocks share.
    pub fn shared(&self) -> P::Shared {
        self.shared
    }

    /// Blocks of a row.
    pub fn blocks_per_row(&self) -> usize {
        self.cols.div_ceil(P::BLOCK)
    }

    /// Bytes of a row.
    pub fn row_bytes(&self) -> usize {
        Self::row_bytes_of(self.cols)
    }

    /// Bytes of a matrix of checked dimensions, the trailer included.
    fn total_bytes_of(rows: usize, cols: usize) -> Result<usize, PackingError> {
        let refused = PackingError::Dimensions { packing: P::NAME, rows, cols, max_cols: MAX_COLS };
        Self::total_bytes_within(rows, cols, MAX_ELEMENTS).ok_or(refused)
    }

    /// Bytes of a matrix, if it has elements, and memory for `limit` bytes holds its bytes and a byte for each element.
    fn total_bytes_within(rows: usize, cols: usize, limit: usize) -> Option<usize> {
        if rows == 0 || !(1..=MAX_COLS).contains(&cols) {
            return None;
        }
        product_within(&[rows, cols], limit)?;
        product_within(&[rows, Self::row_bytes_of(cols)], limit - P::TRAILER).map(|bytes| bytes + P::TRAILER)
    }

    fn row_bytes_of(cols: usize) -> usize {
        cols.div_ceil(P::BLOCK) * P::BLOCK_BYTES
    }

    /// All bytes, the trailer too.
    pub fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// The blocks of all rows, without the trailer.
    pub fn blocks(&self) -> &[u8] {
        &self.bytes[..self.rows * self.row_bytes()]
    }

    /// The blocks of one row.
    ///
    /// # Panics
    /// If `row` is not below [`Packed::rows`].
    pub fn row(&self, row: usize) -> &[u8] {
        &self.bytes[row * self.row_bytes()..(row + 1) * self.row_bytes()]
    }

    /// A copy of some rows, in the order in which they are given, with what all blocks share.
    ///
    /// # Panics
    /// If a row is not below [`Packed::rows`].
    pub fn of_rows(&self, rows: &[u32]) -> Self {
        let mut bytes = Vec::with_capacity(rows.len() * self.row_bytes() + P::TRAILER);
        rows.iter().for_each(|&row| bytes.extend_from_slice(self.row(row as usize)));
        bytes.extend_from_slice(&self.bytes[self.bytes.len() - P::TRAILER..]);
        Packed { bytes: bytes.into(), rows: rows.len(), ..self.clone() }
    }

    /// The blocks of one row, each as an array.
    ///
    /// # Panics
    /// If `row` is not below [`Packed::rows`].
    pub fn row_blocks(&self, row: usize) -> &[Block<P>] {
        Block::<P>::chunks_from_slice(self.row(row)).0
    }

    /// The bytes of up to `count` rows from `row` on, as many as there are.
    pub(crate) fn rows_from(&self, row: usize, count: usize) -> &[u8] {
        let end = self.rows().min(row + count);
        &self.bytes[row.min(end) * self.row_bytes()..end * self.row_bytes()]
    }

    /// The blocks of one row that hold the columns `cols`; both ends are multiples of [`Packing::BLOCK`] or the last
    /// column.
    ///
    /// # Panics
    /// If the row or the columns are not in the matrix, or the start is not at a block.
    pub fn row_segment(&self, row: usize, cols: Range<usize>) -> &[u8] {
        assert!(cols.start.is_multiple_of(P::BLOCK) && cols.end <= self.cols, "columns {cols:?} of {}", self.cols);
        &self.row(row)[cols.start / P::BLOCK * P::BLOCK_BYTES..cols.end.div_ceil(P::BLOCK) * P::BLOCK_BYTES]
    }

    /// Decodes one row to `f32`, the multiplier included.
    ///
    /// # Panics
    /// If `row` is not below [`Packed::rows`] or `out` does not have [`Packed::cols`] elements.
    pub fn decode_row(&self, row: usize, out: &mut [f32]) {
        assert_eq!(out.len(), self.cols, "a row has as many elements as the matrix has columns");
        P::decode(self.row(row), self.shared, out);
        if self.multiplier != 1.0 {
            out.iter_mut().for_each(|value| *value *= self.multiplier);
        }
    }
}
