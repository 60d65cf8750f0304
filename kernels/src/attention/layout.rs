//! Where the elements of a cache lie.
//!
//! Products are added up in vectors that hold sixteen positions (scores) or sixteen elements of a head (outputs), so
//! that nothing is added across a vector. The keys and the values of a chunk of a head lie in the order in which that
//! reads them:
//!
//! ```text
//! keys    [position / 16][element][position % 16]
//! values  [position / 64][element / 16][position % 64][element % 16]
//! ```

use super::CHUNK;
use super::product::CacheElement;
use crate::simd::floats::LANES;
use alloc::vec::Vec;
use trine_memory::{MAX_ELEMENTS, product_within};

/// Positions of a block of values.
pub(crate) const VALUE_BLOCK: usize = 64;

/// What a cache holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    /// Rows that queries are multiplied with.
    Keys,
    /// Rows that are weighted and added.
    Values,
}

/// The order of the elements of a chunk of a head.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Layout {
    side: Side,
    head_dim: usize,
}

impl Layout {
    /// For heads of `head_dim` elements, unless memory cannot be addressed with so many.
    pub(crate) fn new(side: Side, head_dim: usize) -> Option<Layout> {
        product_within(&[CHUNK, head_dim.checked_next_multiple_of(LANES)?], MAX_ELEMENTS)?;
        Some(Layout { side, head_dim })
    }

    /// Elements of a chunk. Rows of values are filled up to whole vectors.
    pub(crate) fn elements(&self) -> usize {
        match self.side {
            Side::Keys => CHUNK * self.head_dim,
            Side::Values => CHUNK * self.head_dim.next_multiple_of(LANES),
        }
    }

    /// Writes a row to a position of a chunk. `narrow` is scratch.
    pub(crate) fn write<E: CacheElement>(&self, head: &mut [E], position: usize, x: &[f32], narrow: &mut Vec<E>) {
        narrow.resize(x.len(), E::default());
        E::narrow(x, narrow);
        self.write_row(head, position, narrow);
    }

    fn write_row<E: Copy>(&self, head: &mut [E], position: usize, row: &[E]) {
        match self.side {
            Side::Keys => {
                let block = LANES * self.head_dim;
                let block = &mut head[position / LANES * block..][..block];
                for (column, element) in block.chunks_exact_mut(LANES).zip(row) {
                    column[position % LANES] = *element;
                }
            }
            Side::Values => {
                let block = VALUE_BLOCK * self.head_dim.next_multiple_of(LANES);
                let block = &mut head[position / VALUE_BLOCK * block..][..block];
                for (panel, elements) in block.chunks_exact_mut(VALUE_BLOCK * LANES).zip(row.chunks(LANES)) {
                    panel[position % VALUE_BLOCK * LANES..][..elements.len()].copy_from_slice(elements);
                }
            }
        }
    }
}
