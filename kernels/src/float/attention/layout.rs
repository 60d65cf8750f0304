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
use trine_shapes::{MAX_ELEMENTS, product_within};

/// Positions of a block of values.
pub(crate) const VALUE_BLOCK: usize = 64;

/// Elements of a head of up to `capacity` positions, whose rows are filled up to a multiple of `granule` elements,
/// unless they exceed `limit`.
pub(super) fn stride_within(capacity: usize, head_dim: usize, granule: usize, limit: usize) -> Option<usize> {
    let positions = capacity.checked_next_multiple_of(VALUE_BLOCK)?;
    product_within(&[positions, head_dim.checked_next_multiple_of(granule)?], limit)
}

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
        let granule = match side {
            Side::Keys => 1,
            Side::Values => LANES,
        };
        let stride = stride_within(capacity, head_dim, granule, MAX_ELEMENTS)?;
        Some(Layout { side, head_dim, stride })
    }

    /// Elements of `heads` heads, unless memory cannot be addressed with so many.
    pub(crate) fn elements(&self, heads: usize) -> Option<usize> {
        product_within(&[self.stride, heads], MAX_ELEMENTS)
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

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// With the limits of 32-bit machines and of this one.
        #[test]
        fn sizes_are_exact_or_refused(
            bits in prop::array::uniform3(0..usize::BITS),
            any in any::<[usize; 3]>(),
            granule in prop::sample::select(vec![1, 2, LANES]),
        ) {
            let [capacity, head_dim, heads] = [0, 1, 2].map(|i| any[i] >> bits[i]);
            let positions = (capacity as u128).next_multiple_of(VALUE_BLOCK as u128);
            let exact = positions * (head_dim as u128).next_multiple_of(granule as u128);
            for limit in [i32::MAX as usize, u32::MAX as usize, MAX_ELEMENTS] {
                let expected = (exact <= limit as u128).then_some(exact as usize);
                prop_assert_eq!(stride_within(capacity, head_dim, granule, limit), expected);
            }
            let layout = Layout::new(Side::Keys, capacity, head_dim);
            let all = (positions * head_dim as u128).saturating_mul(heads as u128);
            let fits = (positions * head_dim as u128).max(all) <= MAX_ELEMENTS as u128;
            prop_assert_eq!(layout.and_then(|layout| layout.elements(heads)).map(|n| n as u128), fits.then_some(all));
        }
    }
}
