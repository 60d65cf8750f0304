//! A block of columns of some rows, as codes and as indices into tables.
//!
//! What belongs here: which columns are looked up and which are multiplied, and the way from the bytes of rows to both.
//! What does not: what meets them ([`super::tables`]).

use core::ops::Range;

use super::super::Unpack;
use super::super::cache_line::CacheLine;
use super::super::terms::TILE;
use super::super::unpack::{MAX_FIELDS, Quad, load_parts};
use super::{BLOCK, DOTS, LOOKED_UP, LOOKUPS, ROWS};
use crate::simd::{Lookups, Simd, prefetch};

/// Vectors of rows, each of [`TILE`].
pub(super) const VECTORS: usize = 4;

/// Codes and indices of a block of columns of [`ROWS`] rows.
#[derive(Clone)]
pub(super) struct Panel {
    /// Of each row four columns in a lane.
    codes: [[CacheLine; VECTORS]; DOTS],
    /// Of each row an index in a word: of two vectors of rows by turns.
    indices: [[CacheLine; VECTORS / 2]; LOOKUPS],
    /// The scales of the rows in the last segment that was begun.
    pub(super) factors: [f32; ROWS],
}

impl Panel {
    pub(super) const ZERO: Panel = Panel {
        codes: [[CacheLine::ZERO; VECTORS]; DOTS],
        indices: [[CacheLine::ZERO; VECTORS / 2]; LOOKUPS],
        factors: [0.0; ROWS],
    };

    /// The codes, step by step.
    #[inline(always)]
    pub(super) fn codes(&self) -> *const CacheLine {
        self.codes.as_flattened().as_ptr()
    }

    /// The indices, step by step.
    #[inline(always)]
    pub(super) fn indices(&self) -> *const CacheLine {
        self.indices.as_flattened().as_ptr()
    }

    /// Takes block `block` of up to [`ROWS`] rows of `row_bytes` bytes each. Where there are fewer rows the others are
    /// the last; where rows end in the block, what is beyond means nothing. Asks for the same block of the next rows.
    ///
    /// # Panics
    /// If there is no row, or `rows` are not whole ones.
    #[inline(always)]
    pub(super) fn fill<V: Lookups, P: Unpack>(&mut self, simd: Simd<V>, rows: &[u8], row_bytes: usize, block: usize) {
        let blocks = row_bytes / P::BLOCK_BYTES;
        assert!(!rows.is_empty() && rows.len().is_multiple_of(row_bytes), "whole rows");
        assert!(row_bytes == blocks * P::BLOCK_BYTES, "whole blocks");
        let packed = BLOCK / P::BLOCK;
        let last = rows.len() / row_bytes - 1;
        for pair in 0..VECTORS / 2 {
            let (mut even, mut odd) = ([rows.as_ptr(); TILE], [rows.as_ptr(); TILE]);
            for row in 0..TILE {
                let first = 2 * TILE * pair + row;
                even[row] = rows[first.min(last) * row_bytes..].as_ptr();
                odd[row] = rows[(first + TILE).min(last) * row_bytes..].as_ptr();
                for row in [even[row], odd[row]] {
                    let below = row.wrapping_add(ROWS * row_bytes + block * packed * P::BLOCK_BYTES);
                    prefetch(below);
                    prefetch(below.wrapping_add(packed * P::BLOCK_BYTES - 1));
                }
            }
            let mut places = Places::default();
            for block in block * packed..blocks.min((block + 1) * packed) {
                for (window, &at) in P::WINDOWS.iter().enumerate() {
                    let at = block * P::BLOCK_BYTES + at;
                    // SAFETY: windows lie in their block, and rows have `blocks` blocks.
                    let (even, odd) =
                        unsafe { (load_parts::<V, P>(simd, &even, at), load_parts::<V, P>(simd, &odd, at)) };
                    let (even, odd) = (V::transpose_lanes(even), V::transpose_lanes(odd));
                    for (lane, bytes) in even.into_iter().zip(odd).enumerate() {
                        let Some(quad) = Quad::at::<P>(window, lane) else { continue };
                        self.put::<V, P>(pair, &quad, bytes, &mut places);
                    }
                }
            }
        }
    }

    /// Takes the bytes of a quad of two vectors of rows.
    #[inline(always)]
    fn put<V: Lookups, P: Unpack>(&mut self, pair: usize, quad: &Quad, (even, odd): (V, V), at: &mut Places) {
        let (even, odd) = (P::fields(even), P::fields(odd));
        let (looked_up, multiplied) = at.take(quad);
        if let Some(place) = looked_up {
            for (step, indices) in V::pair_indices(index(even), index(odd)).into_iter().enumerate() {
                self.indices[4 * place + step][pair] = CacheLine::of(indices);
            }
        }
        for field in multiplied {
            let place = at.multiply();
            self.codes[place][2 * pair] = CacheLine::of(even[field]);
            self.codes[place][2 * pair + 1] = CacheLine::of(odd[field]);
        }
    }
}

/// The index of the first three fields: `9 a + 3 b + c`.
#[inline(always)]
fn index<V: Lookups>([a, b, c, ..]: [V; MAX_FIELDS]) -> V {
    a.triple().add_bytes(b).triple().add_bytes(c)
}

/// The next places of a panel.
#[derive(Default)]
struct Places {
    /// Quads that are looked up.
    looked_up: usize,
    /// Fields of quads that are multiplied.
    multiplied: usize,
}

impl Places {
    /// The place of the first three fields of a quad, where they are looked up, and the fields that are multiplied.
    #[inline(always)]
    fn take(&mut self, quad: &Quad) -> (Option<usize>, Range<usize>) {
        if self.looked_up == LOOKED_UP {
            return (None, 0..quad.fields);
        }
        self.looked_up += 1;
        (Some(self.looked_up - 1), 3..quad.fields)
    }

    /// The place of a field that is multiplied.
    #[inline(always)]
    fn multiply(&mut self) -> usize {
        self.multiplied += 1;
        self.multiplied - 1
    }
}

/// The columns of the steps of a block.
pub(super) struct Steps {
    /// For each quad, the first columns of the three fields that are looked up together: four steps.
    pub(super) looked_up: [[u8; 3]; LOOKED_UP],
    /// The first of the four columns that are multiplied together.
    pub(super) multiplied: [u8; DOTS],
}

impl Steps {
    /// Those of a packing.
    pub(super) fn of<P: Unpack>() -> Steps {
        let mut steps = Steps { looked_up: [[0; 3]; LOOKED_UP], multiplied: [0; DOTS] };
        let windows = (0..BLOCK / P::BLOCK).flat_map(|block| (0..P::WINDOWS.len()).map(move |window| (block, window)));
        let lanes = windows.flat_map(|(block, window)| (0..8).map(move |lane| (block, window, lane)));
        let mut at = Places::default();
        for (block, window, lane) in lanes {
            let Some(quad) = Quad::at::<P>(window, lane) else { continue };
            let column = |field| (block * P::BLOCK + quad.column(field)) as u8;
            let (looked_up, multiplied) = at.take(&quad);
            if let Some(place) = looked_up {
                steps.looked_up[place] = [0, 1, 2].map(column);
            }
            for field in multiplied {
                steps.multiplied[at.multiply()] = column(field);
            }
        }
        steps
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packing::{I2S, Tq1_0, Tq2_0};

    /// Every column is in one step.
    #[test]
    fn steps_have_all_columns() {
        for steps in [Steps::of::<I2S>(), Steps::of::<Tq1_0>(), Steps::of::<Tq2_0>()] {
            let firsts = steps.looked_up.into_iter().flatten().chain(steps.multiplied);
            let mut columns: Vec<_> = firsts.flat_map(|first| (0..4).map(move |i| usize::from(first) + i)).collect();
            columns.sort_unstable();
            assert_eq!(columns, (0..BLOCK).collect::<Vec<_>>());
        }
    }
}
