//! The product for few tokens: each byte of the matrix is read once and unpacked in registers.
//!
//! Sixteen rows (eight where a vector has one part) are computed together, each part of eight vectors holding one row,
//! so that sixteen streams of weights share the loads of activations and the additions across a vector.

use std::ops::Range;

use super::terms::{TILE, Terms};
use super::unpack::WINDOW;
use super::{Unpack, pointers};
use crate::arch::{Kernel, Vector, prefetch};
use crate::packing::Packed;

/// Rows that start a chunk of work are multiples of this.
pub(super) const GRANULE: usize = TILE;

/// Bytes that one prefetch brings.
const CACHE_LINE: usize = 64;

/// The product of some rows with all tokens.
pub(super) struct Gemv<'a, 'y, P: Unpack> {
    pub(super) matrix: &'a Packed<P>,
    pub(super) terms: &'a Terms<'a>,
    /// Activations of all tokens as [`Unpack::arrange`] gives them.
    pub(super) activations: &'a [i8],
    pub(super) first_row: usize,
    /// For each token, the outputs of the rows from `first_row` on.
    pub(super) outputs: &'a mut [&'y mut [f32]],
}

impl<P: Unpack> Kernel for Gemv<'_, '_, P> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<V: Vector>(self) {
        let Gemv { matrix, terms, activations, first_row, outputs } = self;
        let rows = outputs[0].len();
        let per_token = activations.len() / terms.tokens();
        let blocks = matrix.blocks_per_row() / terms.segments();
        for first in (0..rows).step_by(V::LANES) {
            let used = V::LANES.min(rows - first);
            // Rows beyond the last are the last: computed and dropped.
            let mut tile: [&[u8]; TILE] = [&[]; TILE];
            for (i, row) in tile.iter_mut().enumerate() {
                *row = matrix.row(first_row + first + i.min(used - 1));
            }
            for (token, output) in outputs.iter_mut().enumerate() {
                let activations = &activations[token * per_token..][..per_token];
                let mut acc = [0.0; TILE];
                for segment in 0..terms.segments() {
                    let factors = terms.weight_factors::<P>(&tile, segment);
                    let segment_blocks = segment * blocks..(segment + 1) * blocks;
                    // SAFETY: the caller vouches for the instructions of `V`.
                    let dots = unsafe { dot_rows::<V, P>(&tile, activations, segment_blocks) };
                    terms.add_segment(&mut acc, &dots, &factors, token, segment);
                }
                terms.finish(&acc, token, &mut output[first..first + used]);
            }
        }
    }
}

/// The sums of code times activation over some blocks of sixteen rows (the first [`Vector::LANES`] of them).
///
/// # Safety
/// The machine has the instructions of `V`.
///
/// # Panics
/// If a row or the activations do not have these blocks.
#[inline(always)]
unsafe fn dot_rows<V: Vector, P: Unpack>(
    rows: &[&[u8]; TILE],
    activations: &[i8],
    blocks: Range<usize>,
) -> [i32; TILE] {
    let end = blocks.end;
    assert!(rows.iter().all(|row| row.len() >= end * P::BLOCK_BYTES), "rows have {end} blocks");
    assert!(activations.len() >= end * P::STEPS * WINDOW, "activations have {end} blocks");
    let next = rows[0].as_ptr().wrapping_add(V::LANES * rows[0].len());
    let rows = pointers(rows);
    let activations = activations.as_ptr();
    // SAFETY: the caller vouches for the instructions of `V`. Each window of block `b < end` ends by byte
    // `(b + 1) * BLOCK_BYTES` of a row, and each step of it by `(b + 1) * STEPS * WINDOW` of the activations: both are
    // inside by the assertions.
    unsafe {
        let mut sums = [V::zero_sums(); 8];
        let mut block = blocks.start;
        while block < end {
            let stop = end.min(block.saturating_add(V::RUN / P::STEPS));
            let mut runs = [V::zero_run(); 8];
            for block in block..stop {
                // The next rows follow in memory: as many bytes of them as the rows read of this block.
                for line in (0..V::LANES * P::BLOCK_BYTES).step_by(CACHE_LINE) {
                    prefetch(next.wrapping_add(block * V::LANES * P::BLOCK_BYTES + line));
                }
                for (w, offset) in P::WINDOWS.iter().enumerate() {
                    let step = activations.add((block * P::STEPS + w * P::FIELDS) * WINDOW);
                    let at = block * P::BLOCK_BYTES + offset;
                    for (i, run) in runs.iter_mut().enumerate() {
                        let fields = P::fields(V::load_parts([rows[i].add(at), rows[8 + i].add(at)]));
                        for (n, codes) in fields.iter().enumerate().take(P::FIELDS) {
                            *run = codes.dot(V::repeat_part(step.add(n * WINDOW)), *run);
                        }
                    }
                }
            }
            for (sums, run) in sums.iter_mut().zip(&runs) {
                *sums = V::widen(*run, *sums);
            }
            block = stop;
        }
        V::sum_parts(sums)
    }
}
