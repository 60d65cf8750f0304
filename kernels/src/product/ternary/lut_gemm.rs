//! The product for many tokens where part of the sums is looked up: a machine that finds words in a table with other
//! units than it multiplies with does both at once, and has more products in a cycle than dot products alone.
//!
//! Three codes of a row have 27 values, and three activations of a token one sum for each: a table of one vector. Its
//! index for a row serves all tokens, its entries for a token serve all rows. Of each [`BLOCK`] of columns, 36 times
//! three are looked up and 37 times four multiplied, in turns ([`tile_sums`]); both are exact.
//!
//! A block of the codes of a group of rows becomes panels, which lie in the second cache. Then tokens come, a tile
//! after another: their tables are made in the first cache and meet all panels. The sums of all tokens of a batch wait
//! in the second cache for the next block.
//!
//! What belongs here: the loops. What does not: codes and indices of rows ([`panel`]), tables of activations
//! ([`tables`]).

mod panel;
mod tables;

use super::Unpack;
use super::cache_line::CacheLine;
use super::terms::{TILE, Terms};
use crate::activations::BLOCK;
use crate::machine::Machine;
use crate::machine::columns::ColumnsMut;
use crate::machine::outputs::Output;
use crate::machine::scratch::scratch;
use crate::packing::Packed;
use crate::simd::{LookupKernel, Lookups, Simd, WithLookups};
use alloc::vec::Vec;
use panel::{Panel, Steps, VECTORS};
use tables::{TOKENS, Tile};

/// From this many tokens on, looking up is worth its tables and indices.
const LEAST_TOKENS: usize = 24;

/// From this many panels for each thread on, the tables of a tile are used often enough.
const LEAST_PANELS: usize = 3;

/// The most tokens of a batch: their sums of a group of rows lie in the second cache beside the panels.
const BATCH: usize = 128;

/// Rows of a panel.
const ROWS: usize = VECTORS * TILE;

/// The most panels of a group, which a tile meets while its tables are in the first cache.
const GROUP: usize = 14;

/// Quads of a block, each four columns of some fields, that have the columns of their first three fields looked up: the
/// others, and the other fields, are multiplied.
const LOOKED_UP: usize = 9;

/// Lookups of a block, three columns each.
const LOOKUPS: usize = 4 * LOOKED_UP;

/// Dot products of a block, four columns each.
const DOTS: usize = (BLOCK - 3 * LOOKUPS) / 4;

/// The sums of a block that are looked up have sixteen bits, and each lookup has a dot product beside it.
const _: () = assert!(LOOKUPS * 3 * 2 * 128 <= i16::MAX as usize && DOTS >= LOOKUPS);

/// Sums of a panel and a tile of tokens, `[token, row]`: integers, or the bits of `f32` where there are segments.
type TileSums = [[i32; ROWS]; TOKENS];

scratch! {
    /// The memory of the panels of a group, which the next product of the thread uses again.
    static PANELS: Vec<Panel>;
}

scratch! {
    /// The memory of the sums of a group, which the next product of the thread uses again.
    static SUMS: Vec<TileSums>;
}

/// The proof that [`product`] takes, where it is the fastest for this many rows and tokens.
pub(super) fn preferred(cpu: &Machine, rows: usize, tokens: usize) -> Option<WithLookups> {
    let is_fastest = tokens >= LEAST_TOKENS && rows >= LEAST_PANELS * ROWS * cpu.threads();
    cpu.isa().lookups().filter(|_| cpu.isa().prefers_lookups() && is_fastest)
}

/// As [`super::product`].
pub(super) fn product<P: Unpack>(
    cpu: &Machine,
    lookups: WithLookups,
    matrix: &Packed<P>,
    terms: &Terms<'_>,
    y: &mut [Output],
) {
    if y.is_empty() {
        return;
    }
    let tokens = equal_parts(terms.tokens(), BATCH).next_multiple_of(TOKENS);
    let of_thread = matrix.rows().div_ceil(ROWS).div_ceil(cpu.threads());
    let group = ROWS * equal_parts(of_thread, GROUP);
    let steps = &Steps::of::<P>();
    for (batch, y) in y.chunks_mut(tokens * matrix.rows()).enumerate() {
        cpu.for_column_chunks(y, matrix.rows(), group, group, |first_row, outputs| {
            lookups.run(Gemm { matrix, terms, steps, first_token: batch * tokens, first_row, group, outputs });
        });
    }
}

/// The size of the fewest parts of `all` that are at most `most`, as equal as can be.
fn equal_parts(all: usize, most: usize) -> usize {
    all.div_ceil(all.div_ceil(most))
}

/// The product of some rows with the tokens of a batch.
struct Gemm<'a, P: Unpack> {
    matrix: &'a Packed<P>,
    terms: &'a Terms<'a>,
    steps: &'a Steps,
    first_token: usize,
    first_row: usize,
    /// Rows whose sums are kept from block to block, a multiple of [`ROWS`].
    group: usize,
    /// For each token of the batch, the outputs of the rows from `first_row` on.
    outputs: ColumnsMut<'a, Output>,
}

impl<P: Unpack> LookupKernel for Gemm<'_, P> {
    type Output = ();

    #[inline(always)]
    fn run<V: Lookups>(mut self, simd: Simd<V>) {
        let rows = self.outputs.width();
        let tiles = self.outputs.rows().div_ceil(TOKENS);
        let (mut panels, mut sums) = (PANELS.take(), SUMS.take());
        for first in (0..rows).step_by(self.group) {
            panels.resize((rows - first).min(self.group).div_ceil(ROWS), Panel::ZERO);
            sums.clear();
            sums.resize(tiles * panels.len(), [[0; ROWS]; TOKENS]);
            for block in 0..self.terms.stride() / BLOCK {
                for (number, panel) in panels.iter_mut().enumerate() {
                    let rows = self.panel_rows(first + number * ROWS);
                    panel.fill::<V, P>(simd, rows, self.matrix.row_bytes(), block);
                    if block < self.terms.segments() {
                        panel.factors = self.factors(rows, block);
                    }
                }
                self.add_block::<V>(simd, &panels, block, &mut sums);
            }
            self.finish(first, &panels, &sums);
        }
        PANELS.set(panels);
        SUMS.set(sums);
    }
}

impl<P: Unpack> Gemm<'_, P> {
    /// The rows of the panel from `first` on.
    #[inline(always)]
    fn panel_rows(&self, first: usize) -> &[u8] {
        self.matrix.rows_from(self.first_row + first, ROWS.min(self.outputs.width() - first))
    }

    /// Adds the sums of a block of columns to those of the blocks before.
    #[inline(always)]
    fn add_block<V: Lookups>(&self, simd: Simd<V>, panels: &[Panel], block: usize, sums: &mut [TileSums]) {
        let mut tile = Tile::new();
        for (number, sums) in sums.chunks_exact_mut(panels.len()).enumerate() {
            let tokens = self.tokens(number);
            tile.fill::<V>(simd, self.terms, self.steps, tokens, block);
            for (panel, sums) in panels.iter().zip(sums) {
                // SAFETY: the columns of `Steps` are the first of four.
                let dots = unsafe { tile_sums::<V>(simd, panel, &tile, &self.steps.multiplied) };
                if self.terms.segments() == 1 {
                    for token in 0..TOKENS {
                        let (sums, _) = sums[token].as_chunks_mut();
                        for vector in 0..VECTORS {
                            V::add_lanes(dots[token][vector], &mut sums[vector]);
                        }
                    }
                } else {
                    for (token, (sums, vectors)) in tokens.into_iter().zip(sums.iter_mut().zip(dots)) {
                        let mut dots = [[0; TILE]; VECTORS];
                        for (dots, vector) in dots.iter_mut().zip(vectors) {
                            *dots = V::lanes(vector);
                        }
                        let mut acc = bytemuck::cast(*sums);
                        self.terms.add_segment::<ROWS>(&mut acc, &bytemuck::cast(dots), &panel.factors, token, block);
                        *sums = bytemuck::cast(acc);
                    }
                }
            }
        }
    }

    /// The scales of the rows of a panel in a segment; those beyond the last row mean nothing.
    #[inline(always)]
    fn factors(&self, rows: &[u8], segment: usize) -> [f32; ROWS] {
        let mut factors = [0.0; ROWS];
        for (factor, row) in factors.iter_mut().zip(rows.chunks_exact(self.matrix.row_bytes())) {
            [*factor] = self.terms.weight_factors::<P, 1>(&[row], segment);
        }
        factors
    }

    /// The tokens of a tile. Those beyond the last are the last, computed and dropped.
    #[inline(always)]
    fn tokens(&self, tile: usize) -> [usize; TOKENS] {
        let mut tokens = [self.terms.tokens() - 1; TOKENS];
        for (i, token) in tokens.iter_mut().enumerate() {
            *token = (*token).min(self.first_token + tile * TOKENS + i);
        }
        tokens
    }

    /// Writes the outputs of the rows from `first` on.
    #[inline(always)]
    fn finish(&mut self, first: usize, panels: &[Panel], sums: &[TileSums]) {
        for (number, panel) in panels.iter().enumerate() {
            let first = first + number * ROWS;
            let used = ROWS.min(self.outputs.width() - first);
            for token in 0..self.outputs.rows() {
                let outputs = &mut self.outputs.row(token)[first..first + used];
                let sums = &sums[token / TOKENS * panels.len() + number][token % TOKENS];
                let token = self.first_token + token;
                let mut acc = [0.0; ROWS];
                if self.terms.segments() == 1 {
                    self.terms.add_segment(&mut acc, sums, &panel.factors, token, 0);
                } else {
                    acc = bytemuck::cast(*sums);
                }
                self.terms.finish(&acc, token, outputs);
            }
        }
    }
}

/// The sums of a panel and a tile of tokens over a block of columns.
///
/// # Safety
/// The columns of `multiplied` are at most `BLOCK - 4`.
#[inline(always)]
unsafe fn tile_sums<V: Lookups>(
    simd: Simd<V>,
    panel: &Panel,
    tile: &Tile<'_>,
    multiplied: &[u8; DOTS],
) -> [[V::Sums; VECTORS]; TOKENS] {
    assert!(V::LANES == TILE && V::RUN >= DOTS, "vectors of {TILE} rows");
    let (mut codes, mut indices) = (panel.codes(), panel.indices());
    let (mut tables, activations) = (tile.tables(), tile.activations());
    // SAFETY: a panel has `DOTS` steps of codes and `LOOKUPS` of
    // indices, a tile as many of tables, and four activations at each column of `multiplied`.
    unsafe {
        let mut runs = [[V::zero_run(simd); VECTORS]; TOKENS];
        let mut words = [[V::load(simd, CacheLine::ZERO.as_ptr()); VECTORS / 2]; TOKENS];
        let (beside, alone) = multiplied.split_at(LOOKUPS);
        for &column in beside {
            add_dots::<V>(simd, codes, activations, column, &mut runs);
            add_lookups::<V>(simd, indices, tables, &mut words);
            (codes, indices, tables) = (codes.add(VECTORS), indices.add(VECTORS / 2), tables.add(1));
        }
        for &column in alone {
            add_dots::<V>(simd, codes, activations, column, &mut runs);
            codes = codes.add(VECTORS);
        }
        let mut sums = [[V::zero_sums(simd); VECTORS]; TOKENS];
        for (sums, (runs, words)) in sums.iter_mut().zip(runs.iter().zip(words)) {
            for (pair, words) in words.into_iter().enumerate() {
                let runs =
                    [V::widen(runs[2 * pair], V::zero_sums(simd)), V::widen(runs[2 * pair + 1], V::zero_sums(simd))];
                [sums[2 * pair], sums[2 * pair + 1]] = words.accumulate_words(runs);
            }
        }
        sums
    }
}

/// Adds the sums of three products for each row and token.
///
/// # Safety
/// The pointers are readable for a step, `tables` for those of all tokens.
#[inline(always)]
unsafe fn add_lookups<V: Lookups>(
    simd: Simd<V>,
    indices: *const CacheLine,
    tables: *const CacheLine,
    words: &mut [[V; VECTORS / 2]; TOKENS],
) {
    // SAFETY: the caller vouches for the lines.
    unsafe {
        let indices = [V::load(simd, indices.cast()), V::load(simd, indices.add(1).cast())];
        for (token, words) in words.iter_mut().enumerate() {
            let table = V::load(simd, tables.add(token * LOOKUPS).cast());
            for (words, indices) in words.iter_mut().zip(indices) {
                *words = words.add_words(table.look_up(indices));
            }
        }
    }
}

/// Adds the sums of four products for each row and token: those of the columns from `first` on.
///
/// # Safety
/// `codes` is readable for a step; there are four activations from `first` on.
#[inline(always)]
unsafe fn add_dots<V: Lookups>(
    simd: Simd<V>,
    codes: *const CacheLine,
    activations: &[&[i8; BLOCK]; TOKENS],
    first: u8,
    runs: &mut [[V::Run; VECTORS]; TOKENS],
) {
    // SAFETY: the caller vouches for the lines and the activations.
    unsafe {
        let mut vectors = [V::load(simd, codes.cast()); VECTORS];
        for (vector, codes_of) in vectors.iter_mut().enumerate().skip(1) {
            *codes_of = V::load(simd, codes.add(vector).cast());
        }
        for (runs, activations) in runs.iter_mut().zip(activations) {
            let activations = V::repeat_lane(simd, activations.as_ptr().add(usize::from(first)));
            for (run, codes) in runs.iter_mut().zip(vectors) {
                *run = codes.dot(activations, *run);
            }
        }
    }
}
