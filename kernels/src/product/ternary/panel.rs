//! Panels: the codes of two vectors of rows, as the product for many tokens takes them ([`super::gemm`]).
//!
//! What belongs here: how rows of each packing become panels. What does not: the product, which knows no packing.

use alloc::vec::Vec;
use core::ops::Range;

use super::cache_line::{CacheLine, LINE};
use super::gemm::STEP;
use super::rows::Rows;
use super::terms::{TILE, Terms};
use super::unpack::load_parts;
use super::{Unpack, pointers};
use crate::machine::scratch::scratch;
use crate::simd::{Isa, Kernel, Simd, Vector};

scratch! {
    /// The memory of [`Panel::codes`], which the next product of the thread uses again.
    static CODES: Vec<CacheLine>;
}

/// The codes and scales of some columns of two vectors of rows.
pub(super) struct Panel {
    /// `[steps][2][LANES][4]`
    pub(super) codes: Vec<CacheLine>,
    /// `[segments of the columns][2]`
    pub(super) factors: Vec<[[f32; TILE]; 2]>,
}

impl Panel {
    /// An empty one, with the memory that the thread keeps.
    pub(super) fn take() -> Self {
        Panel { codes: CODES.take(), factors: Vec::new() }
    }

    /// Gives the memory back.
    pub(super) fn keep(self) {
        CODES.set(self.codes);
    }
}

/// A matrix of any packing of codes, whose rows become panels.
pub(super) trait PanelRows: Sync {
    /// Columns of a row, those of padding included.
    fn padded_cols(&self) -> usize;

    /// Whether products of segments are added with one rounding.
    fn fuses(&self) -> bool;

    /// The bytes of up to `rows` rows from `first` on.
    fn rows_from(&self, first: usize, rows: usize) -> &[u8];

    /// Unpacks the columns `columns`, whole windows, of the rows `rows` into a panel, as the instruction set `isa`
    /// reads it. Rows of a panel beyond these are the last of them.
    fn fill(&self, isa: Isa, rows: Range<usize>, columns: Range<usize>, terms: &Terms<'_>, panel: &mut Panel);
}

impl<P: Unpack> PanelRows for Rows<'_, P> {
    fn padded_cols(&self) -> usize {
        self.matrix.blocks_per_row() * P::BLOCK
    }

    fn fuses(&self) -> bool {
        P::GROUPED
    }

    fn rows_from(&self, first: usize, rows: usize) -> &[u8] {
        self.matrix.rows_from(first, rows)
    }

    fn fill(&self, isa: Isa, rows: Range<usize>, columns: Range<usize>, terms: &Terms<'_>, panel: &mut Panel) {
        isa.run(Fill { matrix: self, rows, columns, terms, panel });
    }
}

/// Unpacks some columns of some rows.
struct Fill<'a, P: Unpack> {
    matrix: &'a Rows<'a, P>,
    rows: Range<usize>,
    columns: Range<usize>,
    terms: &'a Terms<'a>,
    panel: &'a mut Panel,
}

impl<P: Unpack> Kernel for Fill<'_, P> {
    type Output = ();

    #[inline(always)]
    fn run<V: Vector>(self, simd: Simd<V>) {
        let Fill { matrix, rows, columns, terms, panel } = self;
        panel.codes.resize(columns.len() * 2 * V::LANES / LINE, CacheLine::ZERO);
        if !terms.has_one_factor() {
            panel.factors.resize(columns.len() / terms.segment(), [[0.0; TILE]; 2]);
        }
        let blocks = columns.start / P::BLOCK..columns.end / P::BLOCK;
        let bytes = blocks.start * P::BLOCK_BYTES..blocks.end * P::BLOCK_BYTES + P::BEYOND;
        for half in 0..2 {
            let mut tile: [&[u8]; TILE] = [&[]; TILE];
            for (i, row) in tile.iter_mut().enumerate() {
                // Rows beyond the last are the last: computed and dropped.
                let number = (rows.start + half * V::LANES + i).min(rows.end - 1);
                *row = &matrix.row(number)[bytes.clone()];
            }
            unpack_rows::<V, P>(simd, &tile, half, &mut panel.codes);
            for (segment, factors) in panel.factors.iter_mut().enumerate() {
                factors[half] = terms.weight_factors_of::<V, P>(simd, &tile, segment);
            }
        }
        pair_steps::<V>(simd, &mut panel.codes);
    }
}

/// Writes the codes of a vector of rows (the first [`Vector::LANES`] of `rows`) into half `half` of a panel.
///
/// # Panics
/// If the rows are not as long as the first, or the panel has another number of columns.
#[inline(always)]
fn unpack_rows<V: Vector, P: Unpack>(simd: Simd<V>, rows: &[&[u8]; TILE], half: usize, panel: &mut [CacheLine]) {
    let vector = STEP * V::LANES;
    let (columns, bytes) = const { (P::WINDOW_BLOCKS * P::BLOCK, P::WINDOW_BLOCKS * P::BLOCK_BYTES) };
    let parts = rows[0].len() / bytes;
    assert!(rows.iter().all(|row| row.len() == parts * bytes + P::BEYOND), "rows of one matrix");
    assert!(half < 2 && panel.len() * LINE == parts * columns / STEP * 2 * vector, "a panel of the rows' columns");
    let rows = pointers(rows);
    for part in 0..parts {
        for (number, window) in P::WINDOWS.iter().enumerate() {
            let at = part * bytes + window;
            // SAFETY: windows lie in their blocks and what is readable
            // beyond them, and rows have `parts` times their blocks.
            let lanes = V::transpose_lanes(unsafe { load_parts::<V, P>(simd, &rows, at) });
            for (lane, bytes) in lanes.into_iter().enumerate() {
                let Some(quad) = P::quad(number, lane) else { continue };
                let codes = P::quad_fields(lane, bytes);
                for (field, codes) in codes.iter().enumerate().take(quad.fields) {
                    let step = (part * columns + quad.column(field)) / STEP;
                    // SAFETY: columns of a quad are those of a window's blocks, so `step` is below the steps of the
                    // panel, each of which has two vectors.
                    unsafe { codes.store(panel.as_mut_ptr().cast::<u8>().add((2 * step + half) * vector)) };
                }
            }
        }
    }
}

/// Puts the steps of a panel in the order that [`Vector::tile_step`] reads.
#[inline(always)]
fn pair_steps<V: Vector>(simd: Simd<V>, panel: &mut [CacheLine]) {
    if V::STEPS == 1 {
        return;
    }
    let vector = STEP * V::LANES;
    for steps in panel.chunks_exact_mut(4 * vector / LINE) {
        let steps = steps.as_mut_ptr().cast::<u8>();
        for half in 0..2 {
            // SAFETY: a chunk has the two vectors of two steps.
            unsafe {
                let (first, second) = (steps.add(half * vector), steps.add((2 + half) * vector));
                let [low, high] = V::pair_steps([V::load(simd, first), V::load(simd, second)]);
                low.store(first);
                high.store(second);
            }
        }
    }
}
