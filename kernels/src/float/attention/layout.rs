//! Where the elements of a cache lie.
//!
//! Products are added up in vectors that hold sixteen positions (scores) or sixteen elements of a head (outputs), so
//! that nothing is added across a vector. Keys and values lie in the order in which that reads them, head after head:
//!
//! ```text
//! keys    [position / 16][element][position % 16]
//! values  [position / 64][element / 16][position % 64][element % 16]
//! ```

use super::product::CacheElement;
use crate::arch::floats::LANES;

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

/// The order of the elements of a cache, for each of its heads.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Layout {
    side: Side,
    head_dim: usize,
    /// Elements of one head.
    stride: usize,
}

impl Layout {
    /// For up to `capacity` positions, unless memory cannot be addressed with so many.
    pub(crate) fn new(side: Side, capacity: usize, head_dim: usize) -> Option<Layout> {
        let width = match side {
            Side::Keys => head_dim,
            Side::Values => head_dim.next_multiple_of(LANES),
        };
        let stride = capacity.checked_next_multiple_of(VALUE_BLOCK)?.checked_mul(width)?;
        Some(Layout { side, head_dim, stride })
    }

    /// Elements of `heads` heads, unless memory cannot be addressed with so many.
    pub(crate) fn elements(&self, heads: usize) -> Option<usize> {
        self.stride.checked_mul(heads)
    }

    /// The elements of one head.
    pub(crate) fn head<'a, E>(&self, elements: &'a [E], head: usize) -> &'a [E] {
        &elements[head * self.stride..][..self.stride]
    }

    /// Writes `x`, which is `[batch][positions][heads][head_dim]`, to the positions from `past` on.
    pub(crate) fn write<E: CacheElement>(
        &self,
        elements: &mut [E],
        x: &[f32],
        heads: usize,
        past: usize,
        positions: usize,
    ) {
        let mut narrow = vec![E::default(); self.head_dim];
        for (row, x) in x.chunks_exact(self.head_dim).enumerate() {
            let (token, head) = (row / heads, row % heads);
            let (sequence, position) = (token / positions, past + token % positions);
            E::narrow(x, &mut narrow);
            let head = &mut elements[(sequence * heads + head) * self.stride..][..self.stride];
            self.write_row(head, position, &narrow);
        }
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
