//! The rows of a matrix, each readable as far as kernels read.
//!
//! What belongs here: bytes beyond the last block. What does not: what kernels read.

use alloc::vec::Vec;

use super::Unpack;
use crate::packing::Packed;

/// The rows of a matrix, each with [`Unpack::BEYOND`] bytes after its last block. Those of the last row are zeros, in a
/// copy of it: the matrix ends there.
pub(super) struct Rows<'a, P: Unpack> {
    pub(super) matrix: &'a Packed<P>,
    last: Vec<u8>,
}

impl<'a, P: Unpack> Rows<'a, P> {
    pub(super) fn of(matrix: &'a Packed<P>) -> Self {
        let mut last = Vec::new();
        if P::BEYOND > 0 {
            last.extend_from_slice(matrix.row(matrix.rows() - 1));
            last.resize(last.len() + P::BEYOND, 0);
        }
        Rows { matrix, last }
    }

    /// One row and what is readable beyond it.
    ///
    /// # Panics
    /// If there is no such row.
    #[inline(always)]
    pub(super) fn row(&self, row: usize) -> &[u8] {
        if P::BEYOND > 0 && row + 1 == self.matrix.rows() {
            return &self.last;
        }
        let bytes = self.matrix.row_bytes();
        &self.matrix.blocks()[row * bytes..(row + 1) * bytes + P::BEYOND]
    }
}
