//! The product for a few tokens where each block has a scale of its own for fewer than 256 columns.
//!
//! Eight rows are computed together, a vector of each at a time. The sums of a window, or of each half of one, are those
//! of a group: they are added across vectors, eight rows at once, and go with their scales into the accumulators of the
//! rows, group after group. Each of several tokens meets the rows while they are in the first cache.

use core::ops::Range;

use super::gemv::{Ahead, ROWS};
use super::rows::Rows;
use super::terms::Terms;
use super::unpack::WINDOW;
use super::{Unpack, pointers};
use crate::arch::floats::{Floats, LANES};
use crate::arch::{Kernel, Vector};
use crate::columns::Columns;
use crate::slots::Slot;

/// The most groups of a vector: two halves of each of two parts.
const MOST_GROUPS: usize = 4;

/// The product of some rows with all tokens.
pub(super) struct Gemv<'a, P: Unpack> {
    pub(super) rows: &'a Rows<'a, P>,
    pub(super) terms: &'a Terms<'a>,
    /// Activations of all tokens as [`super::gemv::Activations`] arranges them.
    pub(super) activations: &'a [i8],
    pub(super) first_row: usize,
    /// For each token, the outputs of the rows from `first_row` on.
    pub(super) outputs: Columns<'a, Slot>,
}

impl<P: Unpack> Kernel for Gemv<'_, P> {
    type Output = ();
    const DOTS: bool = true;

    #[inline(always)]
    unsafe fn run<V: Vector>(self) {
        let Gemv { rows, terms, activations, first_row, mut outputs } = self;
        let width = outputs.width();
        let per_token = activations.len() / terms.tokens();
        for first in (0..width).step_by(ROWS) {
            let used = ROWS.min(width - first);
            // Rows beyond the last are the last: computed and dropped.
            let mut tile: [&[u8]; ROWS] = [&[]; ROWS];
            for (i, row) in tile.iter_mut().enumerate() {
                *row = rows.row(first_row + first + i.min(used - 1));
            }
            for token in 0..terms.tokens() {
                let tile = Tile::<P>::new(&tile, &activations[token * per_token..][..per_token]);
                let mut acc = [0.0; ROWS];
                // SAFETY: the caller vouches for the instructions of `V`.
                unsafe {
                    if terms.has_one_factor() {
                        let dots = tile.dots::<V>();
                        terms.add_segment(&mut acc, &dots, &[terms.weight_factor().unwrap_or(1.0); ROWS], token, 0);
                    } else {
                        tile.add_groups::<V>(terms, token, &mut acc);
                    }
                }
                terms.finish(&acc, token, &mut outputs.row(token)[first..first + used]);
            }
        }
    }
}

/// Eight rows and the activations of a token.
struct Tile<'a, P: Unpack> {
    rows: [*const u8; ROWS],
    activations: *const i8,
    /// Windows of a row.
    windows: usize,
    ahead: Ahead,
    packing: core::marker::PhantomData<&'a P>,
}

impl<'a, P: Unpack> Tile<'a, P> {
    /// Bytes from a window to the next.
    const STRIDE: usize = P::WINDOW_BLOCKS * P::BLOCK_BYTES;

    /// # Panics
    /// If a row does not have whole windows, or there are not activations for all of them, rounded up to two.
    #[inline(always)]
    fn new(rows: &[&'a [u8]; ROWS], activations: &'a [i8]) -> Self {
        let row_bytes = rows[0].len() - P::BEYOND;
        let windows = row_bytes / Self::STRIDE;
        assert!(rows.iter().all(|row| row.len() == windows * Self::STRIDE + P::BEYOND), "rows of whole windows");
        let padded = windows.next_multiple_of(2);
        assert!(activations.len() >= padded * P::FIELDS * WINDOW, "activations of {padded} windows");
        Tile {
            rows: pointers(rows),
            activations: activations.as_ptr(),
            windows,
            ahead: Ahead { row: rows[0].as_ptr(), row_bytes },
            packing: core::marker::PhantomData,
        }
    }

    /// Adds the vectors of the windows from `window` on, one for each part, to the runs of the rows. Where there is no
    /// window for the second part, it takes the weights of the first, which meet the padding of the activations.
    ///
    /// # Safety
    /// The machine has the instructions of `V`, and `window` is below the windows of a row.
    #[inline(always)]
    unsafe fn add<V: Vector>(&self, window: usize, runs: &mut [[V::Run; 2]; ROWS]) {
        let second = (window + V::PARTS - 1).min(self.windows - 1);
        let at = [window, second].map(|window| window * Self::STRIDE + P::WINDOWS[0]);
        // SAFETY: windows are below those of a row, and a row is readable for `BEYOND` bytes after the last; there are
        // activations for all windows, rounded up to two. The caller vouches for the instructions.
        unsafe {
            let step = self.activations.add(window * P::FIELDS * WINDOW);
            let load = |row: usize| P::load::<V>([self.rows[row].add(at[0]), self.rows[row].add(at[1])]);
            P::add::<V>(load(0), step, &mut runs[0]);
            // Written out, as in the kernel for one scale.
            macro_rules! add_rows {
                ($($previous:literal $row:literal),*) => {
                    $(
                        let (run, bytes) = V::separate(runs[$previous][0], load($row));
                        runs[$previous][0] = run;
                        P::add::<V>(bytes, step, &mut runs[$row]);
                    )*
                };
            }
            add_rows!(0 1, 1 2, 2 3, 3 4, 4 5, 5 6, 6 7);
        }
    }

    /// The sums of code times activation of whole rows.
    ///
    /// # Safety
    /// The machine has the instructions of `V`.
    #[inline(always)]
    unsafe fn dots<V: Vector>(&self) -> [i32; ROWS] {
        let of_run = P::run_length::<V>() / P::FIELDS * V::PARTS;
        // SAFETY: the caller vouches for the instructions; windows are below those of a row.
        unsafe {
            let mut sums = [V::zero_sums(); ROWS];
            for start in (0..self.windows).step_by(of_run) {
                let mut runs = [[V::zero_run(); 2]; ROWS];
                for window in (start..self.windows.min(start + of_run)).step_by(V::PARTS) {
                    self.ahead.ask(window * Self::STRIDE, V::PARTS * Self::STRIDE);
                    self.add::<V>(window, &mut runs);
                }
                for (sums, runs) in sums.iter_mut().zip(runs) {
                    *sums = P::widen::<V>(runs, *sums);
                }
            }
            let parts = V::sum_parts(sums);
            let mut dots = [0; ROWS];
            for (row, dot) in dots.iter_mut().enumerate() {
                *dot = if V::PARTS == 1 { parts[row] } else { parts[row] + parts[ROWS + row] };
            }
            dots
        }
    }

    /// Adds all groups of the rows, in their order, to the accumulators.
    ///
    /// # Safety
    /// The machine has the instructions of `V`.
    #[inline(always)]
    unsafe fn add_groups<V: Vector>(&self, terms: &Terms<'_>, token: usize, acc: &mut [f32; ROWS]) {
        for window in (0..self.windows).step_by(V::PARTS) {
            self.ahead.ask(window * Self::STRIDE, V::PARTS * Self::STRIDE);
            let blocks = window * P::WINDOW_BLOCKS..self.windows.min(window + V::PARTS) * P::WINDOW_BLOCKS;
            // SAFETY: the caller vouches for the instructions; windows and blocks are below those of a row.
            unsafe {
                let mut runs = [[V::zero_run(); 2]; ROWS];
                self.add::<V>(window, &mut runs);
                let mut sums = [V::zero_sums(); ROWS];
                for (sums, runs) in sums.iter_mut().zip(runs) {
                    *sums = P::widen::<V>(runs, *sums);
                }
                let dots = if P::WINDOW_BLOCKS == 1 {
                    let mut dots = [0; ROWS * MOST_GROUPS];
                    dots[..2 * ROWS].copy_from_slice(&V::sum_parts(sums));
                    dots
                } else {
                    V::sum_halves(sums)
                };
                let factors = self.factors::<V>(terms, blocks.clone());
                for (i, block) in blocks.enumerate() {
                    let dots = &dots.as_chunks::<ROWS>().0[i];
                    terms.add_segment(acc, dots, &factors.as_chunks::<ROWS>().0[i], token, block);
                }
            }
        }
    }

    /// `dw` of some blocks of the rows, block after block.
    ///
    /// # Safety
    /// The machine has the instructions of `V`, and rows have these blocks.
    #[inline(always)]
    unsafe fn factors<V: Vector>(&self, terms: &Terms<'_>, blocks: Range<usize>) -> [f32; ROWS * MOST_GROUPS] {
        let mut factors = [terms.weight_factor().unwrap_or(0.0); ROWS * MOST_GROUPS];
        if terms.weight_factor().is_some() {
            return factors;
        }
        let at = P::SCALE_OFFSET.unwrap_or(0);
        let mut halves = [[0; 2]; ROWS * MOST_GROUPS];
        for (halves, block) in halves.as_chunks_mut::<ROWS>().0.iter_mut().zip(blocks) {
            for row in 0..ROWS {
                // SAFETY: the caller vouches for the block, which has a scale of two bytes.
                halves[row] = unsafe { self.rows[row].add(block * P::BLOCK_BYTES + at).cast::<[u8; 2]>().read() };
            }
        }
        // SAFETY: the caller vouches for the instructions.
        let floats = unsafe { V::floats() };
        let halves = halves.as_flattened().as_chunks::<{ 2 * LANES }>().0;
        for (factors, halves) in
            factors.as_chunks_mut::<LANES>().0.iter_mut().zip(halves).take(V::PARTS * P::WINDOW_BLOCKS)
        {
            floats.store(floats.load_f16(halves), factors);
        }
        factors
    }
}
