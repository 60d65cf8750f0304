//! The product for a few tokens, as a server of several sequences has them: each byte of the matrix is read and
//! unpacked once for up to [`MOST`] tokens.
//!
//! A tile of rows and tokens has its sums in registers, rows a vector of weights at a time, as for one token
//! ([`super::gemv`]). The weights and the sums of a tile fill the registers: the more tokens, the fewer rows. Columns
//! are cut so that the activations of all tokens stay in the first cache.

use core::ops::Range;

use super::gemv::{FAR, NEAR, are_small, blocks_at_once, window_at};
use super::terms::{TILE, Terms, add};
use super::unpack::WINDOW;
use super::{Unpack, pointers};
use crate::machine::columns::ColumnsMut;
use crate::machine::outputs::Output;
use crate::packing::Packed;
use crate::simd::{Kernel, Simd, Vector, prefetch, prefetch_far_lines};

/// The most tokens of a tile.
pub(super) const MOST: usize = 8;

/// Rows that start a chunk of work are multiples of this: those that are finished together.
pub(super) const GRANULE: usize = TILE;

/// Activations that stay in the first cache, of 32 KB and more, beside the weights: thirteen blocks of 256 columns for
/// [`MOST`] tokens.
const ACTIVATIONS: usize = 13 * 256 * MOST;

/// Rows whose sums are added across vectors together.
const PART: usize = 8;

/// The product of some rows with all tokens.
pub(super) struct Few<'a, P: Unpack> {
    pub(super) matrix: &'a Packed<P>,
    pub(super) terms: &'a Terms<'a>,
    /// Activations of all tokens as [`super::gemv::Activations`] arranges them.
    pub(super) activations: &'a [i8],
    pub(super) first_row: usize,
    /// For each token, the outputs of the rows from `first_row` on.
    pub(super) outputs: ColumnsMut<'a, Output>,
}

impl<P: Unpack> Kernel for Few<'_, P> {
    type Output = ();
    const DOTS: bool = true;

    #[inline(always)]
    fn run<V: Vector>(mut self, simd: Simd<V>) {
        let (rows, tokens) = (self.outputs.width(), self.outputs.rows());
        for first in (0..rows).step_by(TILE) {
            let mut token = 0;
            while token < tokens {
                match (tokens - token, V::PARTS) {
                    (..=2, 1) => self.tile::<V, 4, 2>(simd, first, token),
                    (..=4, 1) => self.tile::<V, 2, 4>(simd, first, token),
                    (_, 1) => self.tile::<V, 1, 8>(simd, first, token),
                    (..=2, _) => self.tile::<V, 8, 2>(simd, first, token),
                    (..=4, _) => self.tile::<V, 4, 4>(simd, first, token),
                    (_, _) => self.tile::<V, 2, 8>(simd, first, token),
                }
                token += MOST;
            }
        }
    }
}

impl<P: Unpack> Few<'_, P> {
    /// The outputs of [`TILE`] rows from `first` on for `T` tokens from `first_token` on, or as many as there are; `R`
    /// rows at a time.
    #[inline(always)]
    fn tile<V: Vector, const R: usize, const T: usize>(&mut self, simd: Simd<V>, first: usize, first_token: usize) {
        let Few { matrix, terms, activations, first_row, ref mut outputs } = *self;
        let used = TILE.min(outputs.width() - first);
        // Rows beyond the last are the last, and tokens too: computed and dropped.
        let mut rows: [&[u8]; TILE] = [&[]; TILE];
        for (i, row) in rows.iter_mut().enumerate() {
            *row = matrix.row(first_row + first + i.min(used - 1));
        }
        let (per_token, last) = (activations.len() / terms.tokens(), terms.tokens() - 1);
        let mut of_tokens: [&[i8]; T] = [&[]; T];
        for (t, of_token) in of_tokens.iter_mut().enumerate() {
            *of_token = &activations[(first_token + t).min(last) * per_token..][..per_token];
        }
        let of_segment = matrix.blocks_per_row() / terms.segments();
        let at_once = (ACTIVATIONS / T / P::BLOCK).min(of_segment);
        let mut acc = [[0.0; TILE]; T];
        // Weights are asked for once, while they meet the first tokens.
        let mut ahead = Ahead::new(rows[0], if terms.segments() == 1 { R } else { TILE }, first_token == 0);
        for segment in 0..terms.segments() {
            let mut dots = [[0; TILE]; T];
            let end = (segment + 1) * of_segment;
            for start in (segment * of_segment..end).step_by(at_once) {
                let blocks = start..end.min(start + at_once);
                for (rows, part) in rows.as_chunks::<PART>().0.iter().zip(0..) {
                    let sums = dot_part::<V, P, R, T>(simd, rows, &of_tokens, blocks.clone(), &mut ahead);
                    for (dots, sums) in dots.iter_mut().zip(&sums) {
                        add(&mut dots.as_chunks_mut::<PART>().0[part], sums);
                    }
                }
            }
            let factors = terms.weight_factors::<P, TILE>(&rows, segment);
            for (t, (acc, dots)) in acc.iter_mut().zip(&dots).enumerate() {
                terms.add_segment(acc, dots, &factors, (first_token + t).min(last), segment);
            }
        }
        for (t, acc) in acc.iter().enumerate().take(terms.tokens() - first_token) {
            terms.finish(acc, first_token + t, &mut outputs.row(first_token + t)[first..first + used]);
        }
    }
}

/// The sums of code times activation over some blocks of [`PART`] rows, for `T` tokens.
///
/// # Panics
/// If a row or the activations do not have these blocks.
#[inline(always)]
fn dot_part<V: Vector, P: Unpack, const R: usize, const T: usize>(
    simd: Simd<V>,
    rows: &[&[u8]; PART],
    activations: &[&[i8]; T],
    blocks: Range<usize>,
    ahead: &mut Ahead,
) -> [[i32; PART]; T] {
    let end = blocks.end;
    assert!(rows.iter().all(|row| row.len() >= end * P::BLOCK_BYTES), "rows have {end} blocks");
    let padded = end.next_multiple_of(blocks_at_once::<P>());
    let whole = |of_token: &&[i8]| of_token.len() >= padded * P::STEPS * WINDOW;
    assert!(activations.iter().all(whole), "activations have {padded} blocks");
    let activations = pointers(activations);
    // SAFETY: the assertions find the blocks.
    unsafe {
        let mut sums = [[V::zero_sums(simd); PART]; T];
        for (group, rows) in rows.as_chunks::<R>().0.iter().enumerate() {
            let of_rows = sum_rows::<V, P, R, T>(simd, &pointers(rows), &activations, blocks.clone(), ahead);
            for (sums, of_rows) in sums.iter_mut().zip(&of_rows) {
                sums.as_chunks_mut::<R>().0[group] = *of_rows;
            }
        }
        let mut dots = [[0; PART]; T];
        for (dots, sums) in dots.iter_mut().zip(sums) {
            let parts = if are_small::<P>(&blocks) { V::sum_small_parts(sums) } else { V::sum_parts(sums) };
            for (i, dot) in dots.iter_mut().enumerate() {
                *dot = if V::PARTS == 1 { parts[i] } else { parts[i] + parts[PART + i] };
            }
        }
        dots
    }
}

/// The sums of code times activation over some blocks of `R` rows, for `T` tokens: the sum of the lanes is the result.
///
/// # Safety
/// Rows are readable for `blocks.end` blocks, and activations for as many, rounded up to those that are unpacked
/// together.
#[inline(always)]
unsafe fn sum_rows<V: Vector, P: Unpack, const R: usize, const T: usize>(
    simd: Simd<V>,
    rows: &[*const u8; R],
    activations: &[*const i8; T],
    blocks: Range<usize>,
    ahead: &mut Ahead,
) -> [[V::Sums; R]; T] {
    let (end, at_once) = (blocks.end, blocks_at_once::<P>());
    let vectors = at_once * P::WINDOWS.len() / V::PARTS;
    // SAFETY: each window of block `b < end` ends by byte `(b + 1) * BLOCK_BYTES` of a row, and what it meets by `(b +
    // 1) * STEPS * WINDOW` of the activations, or by the end of the padded blocks: the caller vouches for all of them.
    unsafe {
        let mut sums = [[V::zero_sums(simd); R]; T];
        let mut block = blocks.start;
        while block < end {
            let stop = end.min(block.saturating_add(V::RUN / (vectors * P::FIELDS) * at_once));
            let mut runs = [[V::zero_run(simd); R]; T];
            while block + at_once <= stop {
                ahead.ask(rows, block * P::BLOCK_BYTES, at_once * P::BLOCK_BYTES);
                for vector in 0..vectors {
                    let window = vector * V::PARTS;
                    let parts = [window_at::<P>(block, window), window_at::<P>(block, window + V::PARTS - 1)];
                    let step = (block * P::WINDOWS.len() + window) * P::FIELDS * WINDOW;
                    add_vectors::<V, P, R, T>(simd, rows, parts, activations, step, &mut runs);
                }
                block += at_once;
            }
            if block < stop {
                // One window is left: a second part takes the same weights, which meet the padding of the activations,
                // zeros.
                let parts = [window_at::<P>(block, 0); 2];
                add_vectors::<V, P, R, T>(simd, rows, parts, activations, block * P::STEPS * WINDOW, &mut runs);
                block = stop;
            }
            for (sums, run) in sums.as_flattened_mut().iter_mut().zip(runs.as_flattened()) {
                *sums = V::widen(*run, *sums);
            }
        }
        sums
    }
}

/// Adds a vector of each row to its runs: the windows at `parts` times the activations of each token from `step` on.
///
/// # Safety
/// Each row is readable for a window from each of `parts` on, and the activations of each token for the fields of a
/// vector from `step` on.
#[inline(always)]
unsafe fn add_vectors<V: Vector, P: Unpack, const R: usize, const T: usize>(
    simd: Simd<V>,
    rows: &[*const u8; R],
    parts: [usize; 2],
    activations: &[*const i8; T],
    step: usize,
    runs: &mut [[V::Run; R]; T],
) {
    // SAFETY: the caller vouches for the bytes and the activations.
    unsafe {
        let mut fields = [P::fields(V::load_parts(simd, [rows[0].add(parts[0]), rows[0].add(parts[1])])); R];
        for r in 1..R {
            fields[r] = P::fields(V::load_parts(simd, [rows[r].add(parts[0]), rows[r].add(parts[1])]));
        }
        for (field, step) in (0..P::FIELDS).map(|field| (field, step + field * V::PARTS * WINDOW)) {
            for t in 0..T {
                let activations = V::load(simd, activations[t].add(step).cast());
                for r in 0..R {
                    runs[t][r] = fields[r][field].dot_across(activations, runs[t][r]);
                }
            }
        }
    }
}

/// What is asked for ahead of reading: from memory into the second cache in the order of memory, and from there, closer
/// to where it is read, into the first.
struct Ahead {
    next: *const u8,
    asks: bool,
}

impl Ahead {
    /// For rows from `row` on, of which `rows` are read together; `asks` unless they were asked for before.
    #[inline(always)]
    fn new(row: &[u8], rows: usize, asks: bool) -> Self {
        Ahead { next: row.as_ptr().wrapping_add(rows * row.len() + FAR), asks }
    }

    /// Asks for as much as is read of the rows from byte `at` on, `bytes` bytes each.
    #[inline(always)]
    fn ask<const R: usize>(&mut self, rows: &[*const u8; R], at: usize, bytes: usize) {
        if self.asks {
            prefetch_far_lines(self.next, R * bytes);
            self.next = self.next.wrapping_add(R * bytes);
        }
        for row in rows {
            prefetch(row.wrapping_add(at + NEAR));
        }
    }
}
