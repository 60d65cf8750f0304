//! A page of a cache: the keys and values of all heads of all layers for as many positions as share a softmax.
//!
//! Layer after layer, and head after head in it, a *cell* holds the keys and the values of one head: what attention
//! reads together lies together. Numbers narrower than an f32 lie in the memory of f32s:
//!
//! ```text
//! page   [layer][head] cell
//! cell   f32, f16: keys, values;  q8: scales of keys, scales of values, keys, values
//! ```
//!
//! What belongs here: where in a page what lies. What does not: who owns pages ([`crate::attention::pages`]).

use super::CHUNK;
use super::int8::{Int8Head, Int8Layout, Int8Rows};
use super::layout::{Layout, Side};
use super::product::{CacheElement, FloatHead};
use alloc::vec::Vec;
use core::fmt;
use core::ops::Range;
use trine_memory::{MAX_ELEMENTS, product_of, product_within};

/// Positions of a page.
pub const PAGE: usize = CHUNK;

/// The type of the elements of a cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CacheType {
    /// Single precision: what comparisons with other engines use.
    F32,
    /// Half precision, rounded to nearest even: half the memory and bandwidth.
    F16,
    /// Signed bytes with one f32 scale for each position of a head: 132 bytes for 128 elements. An element `x` is
    /// stored as `round(127 x / absmax)`, with `absmax` the largest magnitude of its row, so it is off by up to
    /// `absmax / 254`; queries and weights are rounded to 16 bits.
    Q8,
}

impl fmt::Display for CacheType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            CacheType::F32 => "f32",
            CacheType::F16 => "f16",
            CacheType::Q8 => "q8",
        })
    }
}

/// How the two sides of a cell are stored.
#[derive(Clone, Copy, Debug)]
enum Sides {
    F32(Layout, Layout),
    F16(Layout, Layout),
    Q8(Int8Layout, Int8Layout),
}

/// Where the numbers of a page lie.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PageLayout {
    sides: Sides,
    layers: usize,
    heads: usize,
    head_dim: usize,
    /// Numbers of a cell.
    cell: usize,
}

impl PageLayout {
    /// For `heads` heads of `head_dim` elements in each of `layers` layers, unless memory cannot be addressed with so
    /// many.
    pub(crate) fn new(kind: CacheType, layers: usize, heads: usize, head_dim: usize) -> Option<Self> {
        let float = || Some((Layout::new(Side::Keys, head_dim)?, Layout::new(Side::Values, head_dim)?));
        let (sides, cell) = match kind {
            CacheType::F32 => {
                let (keys, values) = float()?;
                (Sides::F32(keys, values), keys.elements().checked_add(values.elements())?)
            }
            CacheType::F16 => {
                let (keys, values) = float()?;
                (Sides::F16(keys, values), keys.elements().checked_add(values.elements())? / 2)
            }
            CacheType::Q8 => {
                let (keys, values) = (Int8Layout::new(Side::Keys, head_dim)?, Int8Layout::new(Side::Values, head_dim)?);
                (Sides::Q8(keys, values), 2 * CHUNK + keys.codes().checked_add(values.codes())? / 4)
            }
        };
        product_within(&[layers, heads, cell, size_of::<f32>()], MAX_ELEMENTS)?;
        Some(PageLayout { sides, layers, heads, head_dim, cell })
    }

    /// Numbers of a page.
    pub(crate) fn numbers(&self) -> usize {
        product_of(&[self.layers, self.heads, self.cell])
    }

    /// The type of the elements.
    pub(crate) fn kind(&self) -> CacheType {
        match self.sides {
            Sides::F32(..) => CacheType::F32,
            Sides::F16(..) => CacheType::F16,
            Sides::Q8(..) => CacheType::Q8,
        }
    }

    fn place(&self, layer: usize, head: usize) -> Range<usize> {
        let first = (layer * self.heads + head) * self.cell;
        first..first + self.cell
    }

    /// The keys and values of a head, in a page of floats of type `E`.
    pub(crate) fn float_head<'a, E: CacheElement>(
        &self,
        page: &'a [f32],
        layer: usize,
        head: usize,
    ) -> FloatHead<'a, E> {
        let cell: &[E] = bytemuck::cast_slice(&page[self.place(layer, head)]);
        let (keys, values) = cell.split_at(CHUNK * self.head_dim);
        FloatHead { keys, values, next: keys }
    }

    /// The keys and values of a head, in a page of bytes.
    pub(crate) fn int8_head<'a>(&self, page: &'a [f32], layer: usize, head: usize) -> Int8Head<'a> {
        let (scales, codes) = page[self.place(layer, head)].split_at(2 * CHUNK);
        let (of_keys, of_values) = scales.split_at(CHUNK);
        let (keys, values) = bytemuck::cast_slice(codes).split_at(CHUNK * self.head_dim.next_multiple_of(2));
        let (keys, values) = (Int8Rows { codes: keys, scales: of_keys }, Int8Rows { codes: values, scales: of_values });
        Int8Head { keys, values, next: (keys, values) }
    }

    /// Writes `keys` and `values`, which are `[position][head][head_dim]`, to the positions of a page from `first` on.
    pub(crate) fn write(&self, page: &mut [f32], layer: usize, first: usize, keys: &[f32], values: &[f32]) {
        match &self.sides {
            Sides::F32(of_keys, of_values) => {
                let rows = self.rows(layer, first, keys, values);
                write_floats::<f32>((of_keys, of_values), page, rows);
            }
            Sides::F16(of_keys, of_values) => {
                let rows = self.rows(layer, first, keys, values);
                write_floats::<[u8; 2]>((of_keys, of_values), page, rows);
            }
            Sides::Q8(of_keys, of_values) => {
                for Row { place, position, key, value } in self.rows(layer, first, keys, values) {
                    let (scales, codes) = page[place].split_at_mut(2 * CHUNK);
                    let (key_scales, value_scales) = scales.split_at_mut(CHUNK);
                    let (keys, values) = bytemuck::cast_slice_mut(codes).split_at_mut(of_keys.codes());
                    of_keys.write((keys, key_scales), position, key);
                    of_values.write((values, value_scales), position, value);
                }
            }
        }
    }

    /// Puts zeros to all positions of a page from `first` on.
    pub(crate) fn clear(&self, page: &mut [f32], first: usize) {
        let zeros = alloc::vec![0.0; product_of(&[PAGE - first, self.heads, self.head_dim])];
        (0..self.layers).for_each(|layer| self.write(page, layer, first, &zeros, &zeros));
    }

    /// The rows of `keys` and `values`, and where they belong.
    fn rows<'a>(
        &self,
        layer: usize,
        first: usize,
        keys: &'a [f32],
        values: &'a [f32],
    ) -> impl Iterator<Item = Row<'a>> + use<'a> {
        let layout = *self;
        let rows = keys.chunks_exact(self.head_dim).zip(values.chunks_exact(self.head_dim)).enumerate();
        rows.map(move |(row, (key, value))| {
            let (position, head) = (first + row / layout.heads, row % layout.heads);
            Row { place: layout.place(layer, head), position, key, value }
        })
    }
}

/// The key and the value of a head for one position, and the cell that they belong to.
struct Row<'a> {
    place: Range<usize>,
    position: usize,
    key: &'a [f32],
    value: &'a [f32],
}

fn write_floats<'a, E: CacheElement>(
    (of_keys, of_values): (&Layout, &Layout),
    page: &mut [f32],
    rows: impl Iterator<Item = Row<'a>>,
) {
    let mut narrow = Vec::new();
    for Row { place, position, key, value } in rows {
        let cell: &mut [E] = bytemuck::cast_slice_mut(&mut page[place]);
        let (keys, values) = cell.split_at_mut(of_keys.elements());
        of_keys.write(keys, position, key, &mut narrow);
        of_values.write(values, position, value, &mut narrow);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn sizes_are_exact_or_refused(bits in prop::array::uniform3(0..usize::BITS), any in any::<[usize; 3]>()) {
            let [layers, heads, head_dim] = [0, 1, 2].map(|i| any[i] >> bits[i]);
            let row = |granule: u128| (head_dim as u128).next_multiple_of(granule);
            for (kind, cell) in [
                (CacheType::F32, 256 * (row(1) + row(16))),
                (CacheType::F16, 128 * (row(1) + row(16))),
                (CacheType::Q8, 512 + 64 * (row(2) + row(16))),
            ] {
                let exact = (layers as u128 * heads as u128).saturating_mul(cell);
                let fits = exact.saturating_mul(4) <= MAX_ELEMENTS as u128 || exact == 0;
                let found = PageLayout::new(kind, layers, heads, head_dim).map(|layout| layout.numbers() as u128);
                // A head beyond memory is refused, also where there are none.
                prop_assert!(found == fits.then_some(exact) || (found.is_none() && cell > MAX_ELEMENTS as u128 / 2));
            }
        }
    }
}
