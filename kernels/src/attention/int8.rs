//! A cache of signed bytes with one scale for each position of a head, and its products in integers.
//!
//! A row `x` of keys or values is stored as `code = round(x * 127 / absmax)`, half to even, and `scale = absmax / 127`:
//! each element is within `absmax / 254` of what it was. Queries, and weights times the scales of their values, become
//! integers of 16 bits, so that products are exact sums in `i32` and have the same bits in any order:
//!
//! ```text
//! s[t] = (sum_d q16[d] * k8[t][d]) * (query step * key scale[t])
//! w16[t] = round(e[t] * value scale[t] / weight step),  o[d] = (sum_t w16[t] * v8[t][d]) * weight step
//! ```
//!
//! Rows whose largest magnitude is below [`INT16_FLOOR`] are zeros, as are such queries and such weights of a chunk.
//!
//! A query's step is its largest magnitude through 32767 (less where a head is so wide that sums would overflow), a
//! weight's step is the largest of its chunk through 32767.
//!
//! Two elements of a key, or the values of two positions, lie side by side, since processors add pairs of products:
//!
//! ```text
//! keys    [position / 16][element / 2][position % 16][element % 2]
//! values  [position / 64][element / 16][position % 64 / 2][element % 16][position % 2]
//! ```

use super::layout::{Side, VALUE_BLOCK};
use super::product::{HeadCache, PREFETCHED, Tile, distance, run_tiles};
use super::{CHUNK, Partial, Rows};
use crate::activations::INT16_FLOOR;
use crate::machine::scratch::scratch;
use crate::simd::floats::{Floats, LANES, Portable, round};
use crate::simd::prefetch_far;
use alloc::vec::Vec;
use core::ops::Range;
use trine_memory::{MAX_ELEMENTS, product_within};

/// The largest code.
const MAX_CODE: f32 = 127.0;
/// The largest number of 16 bits.
const MAX_NUMBER: f32 = 32767.0;
/// Bytes of a vector: pairs of codes.
const PAIRS: usize = 2 * LANES;

/// The order of the codes of a chunk of a head.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Int8Layout {
    side: Side,
    head_dim: usize,
    /// Codes of a row, padding included.
    width: usize,
}

impl Int8Layout {
    /// For heads of `head_dim` elements, unless memory cannot be addressed with so many.
    pub(crate) fn new(side: Side, head_dim: usize) -> Option<Int8Layout> {
        let width = match side {
            Side::Keys => head_dim.checked_next_multiple_of(2)?,
            Side::Values => head_dim.checked_next_multiple_of(LANES)?,
        };
        product_within(&[CHUNK, width], MAX_ELEMENTS)?;
        Some(Int8Layout { side, head_dim, width })
    }

    /// Codes of a chunk, for each of whose positions there is a scale.
    pub(crate) fn codes(&self) -> usize {
        CHUNK * self.width
    }

    /// Writes a row to a position of a chunk.
    pub(crate) fn write(&self, (codes, scales): (&mut [i8], &mut [f32]), position: usize, x: &[f32]) {
        debug_assert_eq!(x.len(), self.head_dim);
        let (scale, inverse) = row_scale(Portable, x, MAX_CODE);
        scales[position] = scale;
        match self.side {
            Side::Keys => self.write_key(codes, position, x, inverse),
            Side::Values => self.write_value(codes, position, x, inverse),
        }
    }

    fn write_key(&self, codes: &mut [i8], position: usize, x: &[f32], inverse: f32) {
        let block = &mut codes[position / LANES * LANES * self.width..][..LANES * self.width];
        for (vector, pair) in block.chunks_exact_mut(PAIRS).zip(x.chunks(2)) {
            let place = &mut vector[position % LANES * 2..][..2];
            place.iter_mut().zip(pair).for_each(|(code, x)| *code = code_of(*x, inverse));
        }
    }

    fn write_value(&self, codes: &mut [i8], position: usize, x: &[f32], inverse: f32) {
        let block = VALUE_BLOCK * self.width;
        let block = &mut codes[position / VALUE_BLOCK * block..][..block];
        for (panel, x) in block.chunks_exact_mut(VALUE_BLOCK * LANES).zip(x.chunks(LANES)) {
            let vector = &mut panel[position % VALUE_BLOCK / 2 * PAIRS..][..PAIRS];
            for (pair, x) in vector.chunks_exact_mut(2).zip(x) {
                pair[position % 2] = code_of(*x, inverse);
            }
        }
    }
}

#[inline(always)]
fn code_of(x: f32, inverse: f32) -> i8 {
    round(x * inverse) as i8
}

/// The step from one code to the next where the largest magnitude of `x` becomes `max`, and its inverse. The step is
/// NaN where an element is not finite, and zero, as its inverse, where all are below [`INT16_FLOOR`].
#[inline(always)]
fn row_scale<S: Floats>(floats: S, x: &[f32], max: f32) -> (f32, f32) {
    let (chunks, rest) = x.as_chunks();
    let mut last = [0.0; LANES];
    last[..rest.len()].copy_from_slice(rest);
    let (zero, minus) = (floats.splat(0.0), floats.splat(-1.0));
    let of = |(largest, poison), chunk| {
        let x = floats.load(chunk);
        let magnitude = floats.max(x, floats.mul(x, minus));
        // Zero times an element is zero, or NaN where it is not finite.
        (floats.max(magnitude, largest), floats.add(poison, floats.mul(x, zero)))
    };
    let (largest, poison) = of(chunks.iter().fold((zero, zero), of), &last);
    let largest = floats.largest(largest);
    let (step, inverse) = if largest >= INT16_FLOOR { (largest / max, max / largest) } else { (0.0, 0.0) };
    (step + floats.sum(poison), inverse)
}

/// The codes and the scales of one side of a chunk of a head.
#[derive(Clone, Copy)]
pub(crate) struct Int8Rows<'a> {
    pub(crate) codes: &'a [i8],
    pub(crate) scales: &'a [f32],
}

/// Keys and values of one chunk of a head.
#[derive(Clone, Copy)]
pub(crate) struct Int8Head<'a> {
    pub(crate) keys: Int8Rows<'a>,
    pub(crate) values: Int8Rows<'a>,
    /// Those that are read next.
    pub(crate) next: (Int8Rows<'a>, Int8Rows<'a>),
}

/// Rows of pairs of numbers, each row with its step.
#[derive(Default)]
struct PairRows {
    pairs: Vec<[i16; 2]>,
    steps: Vec<f32>,
}

/// Queries, and their weights for a chunk.
#[derive(Default)]
pub(crate) struct Int8Scratch {
    queries: PairRows,
    weights: PairRows,
}

scratch! {
    /// The memory of these rows, which the next attention of the thread uses again.
    static SCRATCH: Int8Scratch;
}

impl HeadCache for Int8Head<'_> {
    type Scratch = Int8Scratch;

    fn followed_by(self, next: Self) -> Self {
        Int8Head { next: (next.keys, next.values), ..self }
    }

    fn take_scratch() -> Int8Scratch {
        SCRATCH.take()
    }

    fn keep_scratch(scratch: Int8Scratch) {
        SCRATCH.set(scratch);
    }

    #[inline(always)]
    fn prepare<S: Floats>(floats: S, rows: &Rows<'_>, Int8Scratch { queries, .. }: &mut Int8Scratch) {
        let max = MAX_NUMBER.min(libm::floor(f64::from(i32::MAX) / (127.0 * rows.head_dim as f64)) as f32);
        queries.clear();
        for query in rows.queries.chunks_exact(rows.head_dim) {
            let (step, inverse) = row_scale(floats, query, max);
            queries.push(floats, query, step, inverse);
        }
    }

    #[inline(always)]
    fn scores<S: Floats>(
        &self,
        floats: S,
        rows: &Rows<'_>,
        positions: Range<usize>,
        scores: &mut [f32],
        Int8Scratch { queries, .. }: &mut Int8Scratch,
    ) {
        let width = rows.head_dim.next_multiple_of(2);
        let used = positions.len().next_multiple_of(LANES);
        let keys = self.keys.codes[..used * width].chunks_exact(LANES * width);
        let scales = self.keys.scales[..used].as_chunks().0;
        let next = [self.next.0.scales, self.next.1.scales];
        let ahead = distance(self.keys.codes, self.values.codes);
        for (block, (keys, scales)) in keys.zip(scales).enumerate() {
            let position = positions.start + block * LANES;
            for scales in next {
                prefetch_far(scales.as_ptr().wrapping_add(block * LANES).cast());
            }
            let first = rows.first_that_sees(position);
            let (keys, column) = (keys.as_chunks().0, block * LANES);
            run_tiles(first..rows.len(), &mut KeyBlock { floats, queries, keys, ahead, scales, scores, column });
        }
    }

    #[inline(always)]
    fn add_weighted<S: Floats>(
        &self,
        floats: S,
        rows: &Rows<'_>,
        positions: Range<usize>,
        weights: &[f32],
        Int8Scratch { weights: numbers, .. }: &mut Int8Scratch,
        partials: &mut [f32],
    ) {
        let first = rows.first_that_sees(positions.start);
        let scales = &self.values.scales[..positions.len()];
        numbers.clear();
        for (row, weights) in weights.chunks_exact(CHUNK).enumerate() {
            let seen = if row < first { 0 } else { rows.sees(row, positions.clone()) };
            numbers.push_weights(floats, &weights[..seen], scales);
        }
        let width = rows.head_dim.next_multiple_of(LANES);
        let values = &self.values.codes[..positions.len().next_multiple_of(VALUE_BLOCK) * width];
        let length = Partial::len(rows.head_dim);
        let ahead = distance(self.values.codes, self.next.0.codes);
        for element in (0..width).step_by(LANES) {
            let tile = &mut ValuePanel { floats, weights: numbers, values, ahead, width, element, partials, length };
            run_tiles(first..rows.len(), tile);
        }
    }
}

impl PairRows {
    /// Removes all rows.
    fn clear(&mut self) {
        self.pairs.clear();
        self.steps.clear();
    }

    /// Adds the row of the numbers `x * inverse`, zero after an odd one.
    #[inline(always)]
    fn push<S: Floats>(&mut self, floats: S, x: &[f32], step: f32, inverse: f32) {
        let inverse = floats.splat(inverse);
        let (chunks, rest) = x.as_chunks();
        let mut last = [0.0; LANES];
        last[..rest.len()].copy_from_slice(rest);
        let numbers = |x| floats.to_i16(floats.mul(floats.load(x), inverse));
        for chunk in chunks {
            self.pairs.extend_from_slice(numbers(chunk).as_chunks().0);
        }
        self.pairs.extend_from_slice(&numbers(&last).as_chunks().0[..rest.len().div_ceil(2)]);
        self.steps.push(step);
    }

    /// Adds the row of a query's weights, zero where they end.
    #[inline(always)]
    fn push_weights<S: Floats>(&mut self, floats: S, weights: &[f32], scales: &[f32]) {
        let mut scaled = [0.0; CHUNK];
        for ((scaled, weight), scale) in scaled.iter_mut().zip(weights).zip(scales) {
            *scaled = weight * scale;
        }
        let (step, inverse) = row_scale(floats, &scaled, MAX_NUMBER);
        self.push(floats, &scaled, step, inverse);
    }
}

/// `sums[r] += rows[r * length + k] . vectors[k]`: lane by lane, both products of each pair. What is `ahead` bytes
/// behind each vector is asked for.
#[inline(always)]
fn accumulate<S: Floats, const R: usize>(
    floats: S,
    (rows, length): (&[[i16; 2]], usize),
    (vectors, ahead): (&[[i8; PAIRS]], usize),
    sums: &mut [S::I32x16; R],
) {
    assert!(rows.len() >= (R - 1) * length + vectors.len(), "{R} pairs of numbers for each vector");
    // SAFETY: for `r < R` and `k < vectors.len()` this is one of the pairs that were just asserted.
    let pair = |r: usize, k: usize| unsafe { *rows.get_unchecked(r * length + k) };
    let (mut twos, mut rest) = vectors.as_chunks::<2>();
    if R > PREFETCHED || !S::MANY_REGISTERS {
        (twos, rest) = (&[], vectors);
    }
    // Products of few rows would wait for the sums before: two of each are on their way.
    let mut others = [floats.zeros_i32(); R];
    for (half, two) in twos.iter().enumerate() {
        prefetch_far(two.as_ptr().cast::<u8>().wrapping_add(ahead));
        let [first, second] = [floats.load_pairs(&two[0]), floats.load_pairs(&two[1])];
        for r in 0..R {
            sums[r] = floats.add_pair_products(sums[r], pair(r, 2 * half), first);
            others[r] = floats.add_pair_products(others[r], pair(r, 2 * half + 1), second);
        }
    }
    for r in 0..R {
        sums[r] = floats.add_i32(sums[r], others[r]);
    }
    for (k, vector) in rest.iter().enumerate() {
        if R <= PREFETCHED {
            prefetch_far(vector.as_ptr().cast::<u8>().wrapping_add(ahead));
        }
        let vector = floats.load_pairs(vector);
        for (r, sum) in sums.iter_mut().enumerate() {
            *sum = floats.add_pair_products(*sum, pair(r, 2 * twos.len() + k), vector);
        }
    }
}

/// Sixteen keys.
struct KeyBlock<'a, S> {
    floats: S,
    queries: &'a PairRows,
    keys: &'a [[i8; PAIRS]],
    ahead: usize,
    scales: &'a [f32; LANES],
    scores: &'a mut [f32],
    /// Where the scores of these keys are in a row.
    column: usize,
}

impl<S: Floats> Tile for KeyBlock<'_, S> {
    #[inline(always)]
    fn run<const R: usize>(&mut self, row: usize) {
        let (floats, length) = (self.floats, self.keys.len());
        let mut sums = [floats.zeros_i32(); R];
        accumulate(floats, (&self.queries.pairs[row * length..], length), (self.keys, self.ahead), &mut sums);
        let scales = floats.load(self.scales);
        for (r, sum) in sums.into_iter().enumerate() {
            let step = floats.mul(floats.splat(self.queries.steps[row + r]), scales);
            let scores = &mut self.scores[(row + r) * CHUNK + self.column..];
            let scores = scores.first_chunk_mut().expect("a chunk is whole vectors");
            floats.store(floats.mul(floats.to_f32(sum), step), scores);
        }
    }
}

/// Sixteen elements of the values of a chunk.
struct ValuePanel<'a, S> {
    floats: S,
    weights: &'a PairRows,
    /// Blocks of values.
    values: &'a [i8],
    ahead: usize,
    width: usize,
    element: usize,
    partials: &'a mut [f32],
    length: usize,
}

impl<S: Floats> Tile for ValuePanel<'_, S> {
    #[inline(always)]
    fn run<const R: usize>(&mut self, row: usize) {
        const PAIRS_OF_BLOCK: usize = VALUE_BLOCK / 2;
        let floats = self.floats;
        let mut sums = [floats.zeros_i32(); R];
        for (block, values) in self.values.chunks_exact(VALUE_BLOCK * self.width).enumerate() {
            let panel = &values[self.element * VALUE_BLOCK..][..LANES * VALUE_BLOCK];
            let weights = &self.weights.pairs[row * CHUNK / 2 + block * PAIRS_OF_BLOCK..];
            accumulate(floats, (weights, CHUNK / 2), (panel.as_chunks().0, self.ahead), &mut sums);
        }
        for (r, sum) in sums.into_iter().enumerate() {
            let step = floats.splat(self.weights.steps[row + r]);
            let values = &mut self.partials[(row + r) * self.length + self.element..];
            let values = values.first_chunk_mut().expect("whole vectors");
            floats.store(floats.mul(floats.to_f32(sum), step), values);
        }
    }
}
