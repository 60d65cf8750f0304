//! Scores and weighted values in f32: products of some queries with the keys and values of a chunk.
//!
//! Both are the same product, tile by tile: rows of numbers, each number times a vector of sixteen elements of the
//! cache, added up for all rows of the tile while the vector is in a register.

use super::layout::VALUE_BLOCK;
use super::{CHUNK, Partial, Rows};
use crate::elementwise::half_precision;
use crate::machine::scratch::scratch;
use crate::simd::floats::{Floats, LANES};
use crate::simd::prefetch_far;
use alloc::vec::Vec;
use core::ops::Range;

/// Keys and values of one chunk of one key/value head of one sequence.
pub(crate) trait HeadCache: Copy + Send + Sync {
    /// Memory that calls for the same queries share, and that a thread keeps for others.
    type Scratch;

    /// The same keys and values, while whose values are read those keys are asked for that are read after them.
    fn followed_by(self, next: Self) -> Self;

    /// The memory that the thread keeps.
    fn take_scratch() -> Self::Scratch;

    /// Gives it back.
    fn keep_scratch(scratch: Self::Scratch);

    /// Brings the queries into the form in which they meet keys, where that is not f32.
    fn prepare<S: Floats>(floats: S, rows: &Rows<'_>, scratch: &mut Self::Scratch);

    /// Writes the scores of `positions`, which begin the chunk, for the queries that see them; `scores` has [`CHUNK`]
    /// numbers for each query. What it writes for positions that a query does not see means nothing.
    fn scores<S: Floats>(
        &self,
        floats: S,
        rows: &Rows<'_>,
        positions: Range<usize>,
        scores: &mut [f32],
        scratch: &mut Self::Scratch,
    );

    /// Adds the values of `positions`, weighted by `weights`, which lie as scores do, to the partial results of the
    /// queries that see them; these are zero before.
    fn add_weighted<S: Floats>(
        &self,
        floats: S,
        rows: &Rows<'_>,
        positions: Range<usize>,
        weights: &[f32],
        scratch: &mut Self::Scratch,
        partials: &mut [f32],
    );
}

/// Storage of one element of a float cache: `f32`, or the two bytes of a little-endian half.
pub(crate) trait CacheElement: bytemuck::Pod + Default + Send + Sync {
    /// Sixteen elements as f32; exact.
    fn load<S: Floats>(floats: S, from: &[Self; LANES]) -> S::F32x16;

    /// Whether elements are wider in f32, so that it pays to widen them once for many queries.
    const NARROW: bool;

    /// `from` as f32, in `scratch` where it is not f32 already.
    fn widen<'a, S: Floats>(floats: S, from: &'a [Self], scratch: &'a mut Vec<f32>) -> &'a [f32];

    /// Rounds `from` to the storage.
    fn narrow(from: &[f32], to: &mut [Self]);
}

impl CacheElement for f32 {
    const NARROW: bool = false;

    #[inline(always)]
    fn load<S: Floats>(floats: S, from: &[f32; LANES]) -> S::F32x16 {
        floats.load(from)
    }

    #[inline(always)]
    fn widen<'a, S: Floats>(_: S, from: &'a [f32], _: &'a mut Vec<f32>) -> &'a [f32] {
        from
    }

    fn narrow(from: &[f32], to: &mut [f32]) {
        to.copy_from_slice(from);
    }
}

impl CacheElement for [u8; 2] {
    const NARROW: bool = true;

    #[inline(always)]
    fn load<S: Floats>(floats: S, from: &[[u8; 2]; LANES]) -> S::F32x16 {
        let bytes = from.as_flattened().first_chunk().expect("two bytes for each of sixteen elements");
        floats.load_f16(bytes)
    }

    #[inline(always)]
    fn widen<'a, S: Floats>(floats: S, from: &'a [[u8; 2]], scratch: &'a mut Vec<f32>) -> &'a [f32] {
        scratch.resize(from.len(), 0.0);
        half_precision::widen(floats, from.as_flattened(), scratch);
        scratch
    }

    fn narrow(from: &[f32], to: &mut [[u8; 2]]) {
        half_precision::narrow(from, to);
    }
}

/// Keys and values of one chunk of a head, as [`layout`](super::layout) has them.
#[derive(Clone, Copy)]
pub(crate) struct FloatHead<'a, E> {
    pub(crate) keys: &'a [E],
    pub(crate) values: &'a [E],
    /// The keys that are read next.
    pub(crate) next: &'a [E],
}

scratch! {
    /// The memory of a chunk's keys or values in f32, which the next attention of the thread uses again.
    static WIDENED: Vec<f32>;
}

/// Queries for which it pays to widen a chunk once, before the products.
const WIDEN_FROM: usize = 3 * TILE;

impl<E: CacheElement> HeadCache for FloatHead<'_, E> {
    type Scratch = Vec<f32>;

    fn followed_by(self, next: Self) -> Self {
        FloatHead { next: next.keys, ..self }
    }

    fn take_scratch() -> Vec<f32> {
        WIDENED.take()
    }

    fn keep_scratch(widened: Vec<f32>) {
        WIDENED.set(widened);
    }

    #[inline(always)]
    fn prepare<S: Floats>(_: S, _: &Rows<'_>, _: &mut Vec<f32>) {}

    #[inline(always)]
    fn scores<S: Floats>(
        &self,
        floats: S,
        rows: &Rows<'_>,
        positions: Range<usize>,
        scores: &mut [f32],
        scratch: &mut Vec<f32>,
    ) {
        let keys = &self.keys[..positions.len().next_multiple_of(LANES) * rows.head_dim];
        let ahead = distance(self.keys, self.values);
        if !E::NARROW || rows.len() < WIDEN_FROM {
            key_blocks(floats, rows, positions.start, (keys, ahead), scores);
        } else {
            key_blocks(floats, rows, positions.start, (E::widen(floats, keys, scratch), ahead), scores);
        }
    }

    #[inline(always)]
    fn add_weighted<S: Floats>(
        &self,
        floats: S,
        rows: &Rows<'_>,
        positions: Range<usize>,
        weights: &[f32],
        scratch: &mut Vec<f32>,
        partials: &mut [f32],
    ) {
        let width = rows.head_dim.next_multiple_of(LANES);
        let values = &self.values[..positions.len().next_multiple_of(VALUE_BLOCK) * width];
        let ahead = distance(self.values, self.next);
        if !E::NARROW || rows.len() < WIDEN_FROM {
            value_blocks(floats, rows, positions.start, (values, ahead), weights, partials);
        } else {
            let values = E::widen(floats, values, scratch);
            value_blocks(floats, rows, positions.start, (values, ahead), weights, partials);
        }
    }
}

/// Rows of a tile.
const TILE: usize = 6;

/// Rows of a tile up to which the cache may come from memory, so that it must be asked for early.
pub(crate) const PREFETCHED: usize = 4;

/// Bytes from one side of a chunk to the one that is read after it, in the same order: what is asked for while a side
/// is read. Keys are followed by the values of their chunk, and values by the keys of the next one, which may be
/// anywhere.
pub(crate) fn distance<E>(from: &[E], to: &[E]) -> usize {
    to.as_ptr().addr().wrapping_sub(from.as_ptr().addr())
}

/// A product for `R` rows from `row` on.
pub(crate) trait Tile {
    fn run<const R: usize>(&mut self, row: usize);
}

/// Runs tiles over `rows`, as large as they come.
#[inline(always)]
pub(crate) fn run_tiles(rows: Range<usize>, tile: &mut impl Tile) {
    let mut row = rows.start;
    while row + TILE <= rows.end {
        tile.run::<TILE>(row);
        row += TILE;
    }
    if row + 4 <= rows.end {
        tile.run::<4>(row);
        row += 4;
    }
    if row + 2 <= rows.end {
        tile.run::<2>(row);
        row += 2;
    }
    if row < rows.end {
        tile.run::<1>(row);
    }
}

/// `sums[r] += rows[r * length + k] * vectors[k]`, for ascending `k`, each product and its sum rounded once to f32.
/// What is `ahead` bytes behind each vector is asked for.
#[inline(always)]
fn accumulate<S: Floats, E: CacheElement, const R: usize>(
    floats: S,
    (rows, length): (&[f32], usize),
    (vectors, ahead): (&[[E; LANES]], usize),
    sums: &mut [S::F32x16; R],
) {
    assert!(rows.len() >= (R - 1) * length + vectors.len(), "{R} numbers for each vector");
    for (k, vector) in vectors.iter().enumerate() {
        if R <= PREFETCHED {
            prefetch_far(vector.as_ptr().cast::<u8>().wrapping_add(ahead));
        }
        let vector = E::load(floats, vector);
        for (r, sum) in sums.iter_mut().enumerate() {
            // SAFETY: `r < R` and `k < vectors.len()`, so that this is one of the numbers that were just asserted.
            let number = unsafe { *rows.get_unchecked(r * length + k) };
            *sum = floats.mul_add(floats.splat(number), vector, *sum);
        }
    }
}

/// The scores of the keys from `position` on.
#[inline(always)]
fn key_blocks<S: Floats, E: CacheElement>(
    floats: S,
    rows: &Rows<'_>,
    position: usize,
    (keys, ahead): (&[E], usize),
    scores: &mut [f32],
) {
    for (block, keys) in keys.chunks_exact(LANES * rows.head_dim).enumerate() {
        let first = rows.first_that_sees(position + block * LANES);
        let keys = keys.as_chunks().0;
        run_tiles(first..rows.len(), &mut KeyBlock { floats, rows, keys, ahead, scores, column: block * LANES });
    }
}

/// Sixteen keys.
struct KeyBlock<'a, S, E> {
    floats: S,
    rows: &'a Rows<'a>,
    keys: &'a [[E; LANES]],
    ahead: usize,
    scores: &'a mut [f32],
    /// Where the scores of these keys are in a row.
    column: usize,
}

impl<S: Floats, E: CacheElement> Tile for KeyBlock<'_, S, E> {
    #[inline(always)]
    fn run<const R: usize>(&mut self, row: usize) {
        let width = self.rows.head_dim;
        let mut sums = [self.floats.splat(0.0); R];
        accumulate(self.floats, (&self.rows.queries[row * width..], width), (self.keys, self.ahead), &mut sums);
        for (r, sum) in sums.into_iter().enumerate() {
            let scores = &mut self.scores[(row + r) * CHUNK + self.column..];
            self.floats.store(sum, scores.first_chunk_mut().expect("a chunk is whole vectors"));
        }
    }
}

/// Adds the values from `position` on.
#[inline(always)]
fn value_blocks<S: Floats, E: CacheElement>(
    floats: S,
    rows: &Rows<'_>,
    position: usize,
    (values, ahead): (&[E], usize),
    weights: &[f32],
    partials: &mut [f32],
) {
    let width = rows.head_dim.next_multiple_of(LANES);
    for (block, values) in values.chunks_exact(VALUE_BLOCK * width).enumerate() {
        let column = block * VALUE_BLOCK;
        let positions = position + column..position + column + VALUE_BLOCK;
        let first = rows.first_that_sees(positions.start);
        for (panel, values) in values.chunks_exact(VALUE_BLOCK * LANES).enumerate() {
            let (positions, values) = (positions.clone(), values.as_chunks().0);
            let element = panel * LANES;
            let tile = &mut ValuePanel { floats, rows, positions, values, ahead, weights, column, partials, element };
            run_tiles(first..rows.len(), tile);
        }
    }
}

/// Sixteen elements of a block of values.
struct ValuePanel<'a, S, E> {
    floats: S,
    rows: &'a Rows<'a>,
    positions: Range<usize>,
    values: &'a [[E; LANES]],
    ahead: usize,
    weights: &'a [f32],
    /// Where the weights of these positions are in a row.
    column: usize,
    partials: &'a mut [f32],
    element: usize,
}

impl<S: Floats, E: CacheElement> ValuePanel<'_, S, E> {
    /// Adds `positions` of the block for rows that see all of them.
    #[inline(always)]
    fn add<const R: usize>(&mut self, row: usize, positions: Range<usize>) {
        let floats = self.floats;
        let length = Partial::len(self.rows.head_dim);
        let weights = &self.weights[row * CHUNK + self.column + positions.start..];
        let partials = &mut self.partials[row * length + self.element..];
        let mut sums = [floats.splat(0.0); R];
        for r in 0..R {
            sums[r] = floats.load(partials[r * length..].first_chunk().expect("whole vectors"));
        }
        accumulate(floats, (weights, CHUNK), (&self.values[positions], self.ahead), &mut sums);
        for r in 0..R {
            floats.store(sums[r], partials[r * length..].first_chunk_mut().expect("whole vectors"));
        }
    }
}

impl<S: Floats, E: CacheElement> Tile for ValuePanel<'_, S, E> {
    #[inline(always)]
    fn run<const R: usize>(&mut self, row: usize) {
        let common = self.rows.sees(row, self.positions.clone());
        self.add::<R>(row, 0..common);
        for later in row + 1..row + R {
            let seen = self.rows.sees(later, self.positions.clone());
            if seen > common {
                self.add::<1>(later, common..seen);
            }
        }
    }
}
