//! Eight rows of a matrix with a scale for each group, and a few tokens.
//!
//! A vector of each row is unpacked at a time. The sums of a window, or of each half of one, are those of a group: they
//! are added across vectors, eight rows at once, and go with their scales into the accumulators of the rows, group
//! after group.

use super::super::cache_line::LINE;
use super::super::gemv::{Ahead, ROWS};
use super::super::unpack::WINDOW;
use super::super::{Unpack, pointers};
use super::OfGroups;
use crate::simd::floats::{Floats, LANES};
use crate::simd::{Simd, Vector};

/// The most groups of a vector: two halves of each of two parts.
const MOST_GROUPS: usize = 4;

/// Eight rows and the activations of `T` tokens.
pub(super) struct Tile<'a, P: Unpack, const T: usize> {
    rows: [*const u8; ROWS],
    activations: *const i8,
    /// Activations of a token.
    per_token: usize,
    /// Windows of a row.
    windows: usize,
    ahead: Ahead,
    packing: core::marker::PhantomData<&'a P>,
}

impl<'a, P: Unpack, const T: usize> Tile<'a, P, T> {
    /// Bytes from a window to the next.
    const STRIDE: usize = P::WINDOW_BLOCKS * P::BLOCK_BYTES;

    /// Windows whose bytes are asked for at once, two or more: about a cache line.
    const ASK: usize = if 2 * Self::STRIDE < LINE * 3 / 4 { 4 } else { 2 };

    /// # Panics
    /// If a row does not have whole windows, or a token not activations for all of them, rounded up to two.
    #[inline(always)]
    pub(super) fn new(rows: &[&'a [u8]; ROWS], activations: &'a [i8]) -> Self {
        let per_token = activations.len() / T;
        let row_bytes = rows[0].len() - P::BEYOND;
        let windows = row_bytes / Self::STRIDE;
        assert!(rows.iter().all(|row| row.len() == windows * Self::STRIDE + P::BEYOND), "rows of whole windows");
        let padded = windows.next_multiple_of(2);
        assert!(per_token >= padded * P::FIELDS * WINDOW, "activations of {padded} windows");
        Tile {
            rows: pointers(rows),
            activations: activations.as_ptr(),
            per_token,
            windows,
            ahead: Ahead { row: rows[0].as_ptr(), row_bytes },
            packing: core::marker::PhantomData,
        }
    }

    /// The vector of a row at the windows from `window` on, one for each part. Where there is no window for the second
    /// part, it takes the weights of the first, which meet the padding of the activations.
    ///
    /// # Safety
    /// `window` is below the windows of a row.
    #[inline(always)]
    unsafe fn load<V: Vector>(&self, simd: Simd<V>, row: usize, window: usize) -> V {
        let second = (window + V::PARTS - 1).min(self.windows - 1);
        let at = [window, second].map(|window| window * Self::STRIDE + P::WINDOWS[0]);
        // SAFETY: windows are below those of a row, and a row is readable for `BEYOND` bytes after the last.
        unsafe { P::load::<V>(simd, [self.rows[row].add(at[0]), self.rows[row].add(at[1])]) }
    }

    /// Adds the vectors at the windows from `window` on to the runs of the rows, for one token.
    ///
    /// # Safety
    /// `window` is below the windows of a row, and `token` below `T`.
    #[inline(always)]
    unsafe fn add<V: Vector>(&self, simd: Simd<V>, token: usize, window: usize, runs: &mut [[V::Run; 2]; ROWS]) {
        // SAFETY: windows are below those of a row; each token has activations for all windows, rounded up to two.
        unsafe {
            let step = self.activations.add(token * self.per_token + window * P::FIELDS * WINDOW);
            let load = |row: usize| self.load::<V>(simd, row, window);
            P::add::<V>(simd, load(0), step, &mut runs[0]);
            // Written out, as in the kernel for one scale.
            macro_rules! add_rows {
                ($($previous:literal $row:literal),*) => {
                    $(
                        let (run, bytes) = V::ordering_fence(runs[$previous][0], load($row));
                        runs[$previous][0] = run;
                        P::add::<V>(simd, bytes, step, &mut runs[$row]);
                    )*
                };
            }
            add_rows!(0 1, 1 2, 2 3, 3 4, 4 5, 5 6, 6 7);
        }
    }

    /// The sums of code times activation over the windows from `window` on, one for each part.
    ///
    /// # Safety
    /// `window` is below the windows of a row.
    #[inline(always)]
    unsafe fn sums<V: Vector>(&self, simd: Simd<V>, window: usize) -> [[V::Sums; ROWS]; T] {
        let mut sums = [[V::zero_sums(simd); ROWS]; T];
        if T == 1 {
            let mut runs = [[V::zero_run(simd); 2]; ROWS];
            // SAFETY: the caller vouches for the window, and there is one token.
            unsafe { self.add::<V>(simd, 0, window, &mut runs) };
            for (sums, runs) in sums[0].iter_mut().zip(runs) {
                *sums = P::widen::<V>(runs, *sums);
            }
            return sums;
        }
        // Two rows at once share the loads of activations; tokens share what is unpacked.
        for row in (0..ROWS).step_by(2) {
            // SAFETY: the caller vouches for the window.
            let bytes = unsafe { [self.load::<V>(simd, row, window), self.load(simd, row + 1, window)] };
            let [first, second] = [P::fields(bytes[0]), P::fields(bytes[1])];
            for (t, sums) in sums.iter_mut().enumerate() {
                let mut runs = [V::zero_run(simd); 2];
                for (n, (first, second)) in first.iter().zip(&second).enumerate().take(P::FIELDS) {
                    let at = t * self.per_token + (window * P::FIELDS + n * V::PARTS) * WINDOW;
                    // SAFETY: each token has activations for all windows, rounded up to two.
                    let x = unsafe { V::load(simd, self.activations.add(at).cast()) };
                    runs[0] = first.dot_across(x, runs[0]);
                    runs[1] = second.dot_across(x, runs[1]);
                }
                sums[row] = V::widen(runs[0], sums[row]);
                sums[row + 1] = V::widen(runs[1], sums[row + 1]);
            }
        }
        sums
    }

    /// The sums of code times activation of whole rows, for one token.
    ///
    /// # Panics
    /// If there is no such token.
    #[inline(always)]
    pub(super) fn dots<V: Vector>(&self, simd: Simd<V>, token: usize) -> [i32; ROWS] {
        assert!(token < T, "{T} tokens");
        let of_run = P::run_length::<V>() / P::FIELDS * V::PARTS;
        // SAFETY: windows are below those of a row.
        unsafe {
            let mut sums = [V::zero_sums(simd); ROWS];
            for start in (0..self.windows).step_by(of_run) {
                let mut runs = [[V::zero_run(simd); 2]; ROWS];
                for window in (start..self.windows.min(start + of_run)).step_by(V::PARTS) {
                    if window.is_multiple_of(Self::ASK) {
                        self.ahead.ask(window * Self::STRIDE, Self::ASK * Self::STRIDE);
                    }
                    self.add::<V>(simd, token, window, &mut runs);
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

    /// Adds all groups of the rows, in their order, to the accumulators of each token.
    ///
    /// # Panics
    /// If there are fewer terms than groups of two windows.
    #[inline(always)]
    pub(super) fn add_groups<V: Vector>(&self, simd: Simd<V>, terms: &[OfGroups<'_>; T], acc: &mut [[f32; ROWS]; T]) {
        let mut next = *acc;
        let mut factors = [[[0.0; ROWS]; MOST_GROUPS + 2]; T];
        for pair in (0..self.windows).step_by(2) {
            if pair.is_multiple_of(Self::ASK) {
                self.ahead.ask(pair * Self::STRIDE, Self::ASK * Self::STRIDE);
            }
            self.write_factors::<V>(simd, pair * P::WINDOW_BLOCKS, terms, &mut factors);
            for window in (pair..self.windows.min(pair + 2)).step_by(V::PARTS) {
                // SAFETY: windows are below those of a row.
                let sums = unsafe { self.sums::<V>(simd, window) };
                let groups = (self.windows - window).min(V::PARTS) * P::WINDOW_BLOCKS;
                for t in 0..T {
                    let minus = &terms[t].0[window * P::WINDOW_BLOCKS..];
                    let factors = &factors[t][(window - pair) * P::WINDOW_BLOCKS..];
                    if P::WINDOW_BLOCKS == 1 {
                        V::fuse_parts(sums[t], first_of(minus), first_of(factors), &mut next[t], groups);
                    } else {
                        let mut all = [[0; ROWS]; MOST_GROUPS];
                        all[..V::PARTS * 2].copy_from_slice(&minus[..V::PARTS * 2]);
                        V::fuse_halves(sums[t], first_of(&all), first_of(factors), &mut next[t], groups);
                    }
                }
            }
        }
        *acc = next;
    }

    /// Writes the products of both scales of the groups of two windows, from block `first` of the rows on, for each
    /// token. Where there is no second window, its numbers mean nothing.
    #[inline(always)]
    fn write_factors<V: Vector>(
        &self,
        simd: Simd<V>,
        first: usize,
        terms: &[OfGroups<'_>; T],
        to: &mut [[[f32; ROWS]; MOST_GROUPS + 2]; T],
    ) {
        let (floats, offset, last) =
            (V::floats(simd), P::SCALE_OFFSET.unwrap_or(0), self.windows * P::WINDOW_BLOCKS - 1);
        for pair in 0..P::WINDOW_BLOCKS {
            let block = first + 2 * pair;
            let mut places = [self.rows[0]; LANES];
            for (i, place) in places.iter_mut().enumerate() {
                *place = self.rows[i % ROWS].wrapping_add((block + i / ROWS).min(last) * P::BLOCK_BYTES + offset);
            }
            // SAFETY: blocks are those of rows, and each holds its scale.
            let scales = unsafe { floats.gather_f16(&places) };
            for t in 0..T {
                let factors = floats.mul(floats.load(first_of(&terms[t].1[block..])), scales);
                floats.store(factors, &mut to[t][2 * pair..].as_flattened_mut().as_chunks_mut().0[0]);
            }
        }
    }
}

/// The first `N` numbers of groups of eight.
///
/// # Panics
/// If there are fewer.
#[inline(always)]
fn first_of<T, const N: usize>(groups: &[[T; ROWS]]) -> &[T; N] {
    &groups.as_flattened().as_chunks().0[0]
}
