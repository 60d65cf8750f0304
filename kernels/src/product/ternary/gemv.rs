//! The product for one token: each byte of the matrix is read once and unpacked in registers. Several tokens come one
//! after the other.
//!
//! Eight rows are computed together, a vector of each at a time, so that they share the loads of activations and the
//! additions across a vector.

use alloc::vec::Vec;
use core::marker::PhantomData;
use core::ops::Range;

use super::cache_line::{CacheLine, LINE};
use super::terms::Terms;
use super::unpack::WINDOW;
use super::{Unpack, pointers};
use crate::machine::Machine;
use crate::machine::columns::ColumnsMut;
use crate::machine::outputs::Output;
use crate::machine::scratch::scratch;
use crate::packing::Packed;
use crate::simd::{Kernel, Simd, Vector, prefetch, prefetch_far_lines};

/// Rows that are computed together; rows that start a chunk of work are multiples of this.
pub(super) const ROWS: usize = 8;

/// Bytes from the end of the rows at hand to what is asked for from memory, in the order of memory.
pub(super) const FAR: usize = 8192;

/// Bytes from where a row is read to what is asked for from the second cache: far enough for what has not come there
/// yet. With two threads on one core, 128 made every ternary type 1.2 times as slow.
pub(super) const NEAR: usize = 512;

scratch! {
    /// The memory of [`Activations`], which the next product of the thread uses again.
    static LINES: Vec<CacheLine>;
}

/// Activations in the order that the vectors of a row of weights meet them: for each vector, field by field. No vector
/// of them crosses a cache line.
pub(super) struct Activations {
    lines: Vec<CacheLine>,
}

impl Activations {
    /// The arrangement of `activations`, whose length is a multiple of 256.
    pub(super) fn new<P: Unpack>(cpu: &Machine, activations: &[i8]) -> Self {
        let windows = P::arrange(activations);
        let mut lines = LINES.take();
        lines.resize(windows.len() / LINE, CacheLine::ZERO);
        cpu.isa().run(Arrange::<P> {
            windows: &windows,
            to: bytemuck::cast_slice_mut(&mut lines),
            packing: PhantomData,
        });
        Activations { lines }
    }

    /// All of them, as many for each token.
    pub(super) fn codes(&self) -> &[i8] {
        bytemuck::cast_slice(&self.lines)
    }
}

impl Drop for Activations {
    fn drop(&mut self) {
        LINES.set(core::mem::take(&mut self.lines));
    }
}

/// Writes activations that are in the order of windows in that of vectors.
struct Arrange<'a, P> {
    windows: &'a [i8],
    /// As long.
    to: &'a mut [i8],
    packing: PhantomData<P>,
}

impl<P: Unpack> Kernel for Arrange<'_, P> {
    type Output = ();
    const DOTS: bool = true;

    #[inline(always)]
    fn run<V: Vector>(self, _: Simd<V>) {
        let Arrange { windows, to, .. } = self;
        if V::PARTS == 1 {
            return to.copy_from_slice(windows);
        }
        let fields = P::FIELDS * WINDOW;
        for (windows, paired) in windows.chunks_exact(2 * fields).zip(to.chunks_exact_mut(2 * fields)) {
            let (first, second) = windows.split_at(fields);
            let fields = first.chunks_exact(WINDOW).zip(second.chunks_exact(WINDOW));
            for (pair, (first, second)) in paired.chunks_exact_mut(2 * WINDOW).zip(fields) {
                pair[..WINDOW].copy_from_slice(first);
                pair[WINDOW..].copy_from_slice(second);
            }
        }
    }
}

/// The product of some rows with all tokens.
pub(super) struct Gemv<'a, P: Unpack> {
    pub(super) matrix: &'a Packed<P>,
    pub(super) terms: &'a Terms<'a>,
    /// Activations of all tokens as [`Activations`] arranges them.
    pub(super) activations: &'a [i8],
    pub(super) first_row: usize,
    /// For each token, the outputs of the rows from `first_row` on.
    pub(super) outputs: ColumnsMut<'a, Output>,
}

impl<P: Unpack> Kernel for Gemv<'_, P> {
    type Output = ();
    const DOTS: bool = true;

    #[inline(always)]
    fn run<V: Vector>(self, simd: Simd<V>) {
        let Gemv { matrix, terms, activations, first_row, mut outputs } = self;
        let rows = outputs.width();
        let per_token = activations.len() / terms.tokens();
        let blocks = matrix.blocks_per_row() / terms.segments();
        for first in (0..rows).step_by(ROWS) {
            let used = ROWS.min(rows - first);
            // Rows beyond the last are the last: computed and dropped.
            let mut tile: [&[u8]; ROWS] = [&[]; ROWS];
            for (i, row) in tile.iter_mut().enumerate() {
                *row = matrix.row(first_row + first + i.min(used - 1));
            }
            for token in 0..terms.tokens() {
                let activations = &activations[token * per_token..][..per_token];
                let mut acc = [0.0; ROWS];
                for segment in 0..terms.segments() {
                    let factors = terms.weight_factors::<P, ROWS>(&tile, segment);
                    let segment_blocks = segment * blocks..(segment + 1) * blocks;
                    let dots = dot_rows::<V, P>(simd, &tile, activations, segment_blocks);
                    terms.add_segment(&mut acc, &dots, &factors, token, segment);
                }
                terms.finish(&acc, token, &mut outputs.row(token)[first..first + used]);
            }
        }
    }
}

/// Blocks that are unpacked together, two windows of them: a vector of two parts, or two of one. Two windows are a
/// cache line, so that it is asked for once.
pub(super) const fn blocks_at_once<P: Unpack>() -> usize {
    2_usize.div_ceil(P::WINDOWS.len())
}

/// Whether the sums of `blocks` suit [`Vector::sum_small_parts`]: of 256 columns, a lane has at most 40 products (those
/// of TQ1_0) of at most 256 each.
#[inline(always)]
pub(super) fn are_small<P: Unpack>(blocks: &Range<usize>) -> bool {
    blocks.len() * P::BLOCK <= 256
}

/// The byte of a row where window `window` of the blocks from `block` on starts.
#[inline(always)]
pub(super) fn window_at<P: Unpack>(block: usize, window: usize) -> usize {
    let windows = P::WINDOWS.len();
    (block + window / windows) * P::BLOCK_BYTES + P::WINDOWS[window % windows]
}

/// The sums of code times activation over some blocks of [`ROWS`] rows.
///
/// # Panics
/// If a row or the activations do not have these blocks.
#[inline(always)]
fn dot_rows<V: Vector, P: Unpack>(
    simd: Simd<V>,
    rows: &[&[u8]; ROWS],
    activations: &[i8],
    of: Range<usize>,
) -> [i32; ROWS] {
    let (end, at_once) = (of.end, blocks_at_once::<P>());
    let vectors = at_once * P::WINDOWS.len() / V::PARTS;
    assert!(rows.iter().all(|row| row.len() >= end * P::BLOCK_BYTES), "rows have {end} blocks");
    let padded = end.next_multiple_of(at_once);
    assert!(activations.len() >= padded * P::STEPS * WINDOW, "activations have {padded} blocks");
    let ahead = Ahead { row: rows[0].as_ptr(), row_bytes: rows[0].len() };
    let rows = pointers(rows);
    let activations = activations.as_ptr();
    // SAFETY: each window of block `b < end` ends by byte `(b + 1) * BLOCK_BYTES` of a row, and what it meets by `(b +
    // 1) * STEPS * WINDOW` of the activations, or by the end of the padded blocks: all are inside by the assertions.
    unsafe {
        let mut sums = [V::zero_sums(simd); ROWS];
        let mut block = of.start;
        while block < end {
            let stop = end.min(block.saturating_add(P::run_length::<V>() / (vectors * P::FIELDS) * at_once));
            let mut runs = [[V::zero_run(simd); 2]; ROWS];
            while block + at_once <= stop {
                ahead.ask(block * P::BLOCK_BYTES, at_once * P::BLOCK_BYTES);
                for vector in 0..vectors {
                    let window = vector * V::PARTS;
                    let parts = [window_at::<P>(block, window), window_at::<P>(block, window + V::PARTS - 1)];
                    let step = activations.add((block * P::WINDOWS.len() + window) * P::FIELDS * WINDOW);
                    add_vectors::<V, P>(simd, &rows, parts, step, &mut runs);
                }
                block += at_once;
            }
            if block < stop {
                // One window is left: a second part takes the same weights, which meet the padding of the activations,
                // zeros.
                let step = activations.add(block * P::STEPS * WINDOW);
                add_vectors::<V, P>(simd, &rows, [window_at::<P>(block, 0); 2], step, &mut runs);
                block = stop;
            }
            for (sums, run) in sums.iter_mut().zip(&runs) {
                *sums = P::widen::<V>(*run, *sums);
            }
        }
        let parts = if are_small::<P>(&of) { V::sum_small_parts(sums) } else { V::sum_parts(sums) };
        let mut dots = [0; ROWS];
        for (row, dot) in dots.iter_mut().enumerate() {
            *dot = if V::PARTS == 1 { parts[row] } else { parts[row] + parts[ROWS + row] };
        }
        dots
    }
}

/// Adds a vector of each row to its run: the windows at `parts` times the activations at `step`.
///
/// # Safety
/// Each row is readable for a window from each of `parts` on, and `step` for the fields of a vector.
#[inline(always)]
unsafe fn add_vectors<V: Vector, P: Unpack>(
    simd: Simd<V>,
    rows: &[*const u8; ROWS],
    parts: [usize; 2],
    step: *const i8,
    runs: &mut [[V::Run; 2]; ROWS],
) {
    // SAFETY: the caller vouches for the bytes.
    let load = |row: usize| unsafe { V::load_parts(simd, [rows[row].add(parts[0]), rows[row].add(parts[1])]) };
    // SAFETY: the caller vouches for the activations.
    let add = |bytes, runs: &mut [V::Run; 2]| unsafe { P::add::<V>(simd, bytes, step, runs) };
    add(load(0), &mut runs[0]);
    // Written out: the compiler keeps a loop that is this long, and with it the runs in memory.
    macro_rules! add_rows {
        ($($previous:literal $row:literal),*) => {
            $(
                let (run, bytes) = V::ordering_fence(runs[$previous][0], load($row));
                runs[$previous][0] = run;
                add(bytes, &mut runs[$row]);
            )*
        };
    }
    add_rows!(0 1, 1 2, 2 3, 3 4, 4 5, 5 6, 6 7);
}

/// What is asked for ahead of reading. Rows that are read together are as many streams, too many for the machine to
/// look ahead in; but they and those that follow are one stretch of memory.
pub(super) struct Ahead {
    /// The first of [`ROWS`] rows.
    pub(super) row: *const u8,
    pub(super) row_bytes: usize,
}

impl Ahead {
    /// Asks for what follows, as much as the rows read of `bytes` bytes each from byte `at` on: from memory into the
    /// second cache, and from there, closer to where it is read, into the first.
    #[inline(always)]
    pub(super) fn ask(&self, at: usize, bytes: usize) {
        prefetch_far_lines(self.row.wrapping_add(ROWS * (self.row_bytes + at) + FAR), ROWS * bytes);
        // Beyond the end of these rows: the start of the next ones.
        let wrap = if at + NEAR < self.row_bytes { 0 } else { (ROWS - 1) * self.row_bytes };
        for row in 0..ROWS {
            prefetch(self.row.wrapping_add(row * self.row_bytes + at + NEAR + wrap));
        }
    }
}
