//! The product for one token where each block has a scale of its own for fewer than 256 columns.
//!
//! Eight rows are computed together, a vector of each at a time. The sums of a window, or of each half of one, are
//! those of a group: they are added across vectors, eight rows at once, and go with their scales into the
//! accumulators of the rows, group after group. Several tokens come one after the other.

use alloc::vec::Vec;

use super::gemv::{Ahead, ROWS};
use super::rows::Rows;
use super::terms::Terms;
use super::unpack::WINDOW;
use super::{Unpack, pointers};
use crate::machine::columns::ColumnsMut;
use crate::machine::outputs::Output;
use crate::simd::floats::{Floats, LANES};
use crate::simd::{Kernel, Simd, Vector};

/// The most groups of a vector: two halves of each of two parts.
const MOST_GROUPS: usize = 4;

/// The terms of each group and token, once for each row of a tile: vectors of them are loads.
pub(super) struct GroupTerms {
    /// The sums of the activations, `[tokens][groups][rows]`.
    sums: Vec<[i32; ROWS]>,
    /// Their scales.
    factors: Vec<[f32; ROWS]>,
    /// Groups of a token, those of padding included.
    groups: usize,
}

impl GroupTerms {
    /// Those of a product with segments; none where all columns are one.
    pub(super) fn of(terms: &Terms<'_>) -> Self {
        let groups = if terms.has_one_factor() { 0 } else { terms.segments() };
        let all = (0..terms.tokens()).flat_map(|token| (0..groups).map(move |group| (token, group)));
        let (mut sums, mut factors): (Vec<_>, Vec<_>) = all
            .map(|(token, group)| terms.sum_and_factor(token, group))
            .map(|(sum, factor)| ([sum; ROWS], [factor; ROWS]))
            .unzip();
        sums.push([0; ROWS]);
        factors.push([0.0; ROWS]);
        GroupTerms { sums, factors, groups }
    }

    /// The sums and the scales of a token, and one more of each: vectors are of two groups.
    #[inline(always)]
    fn token(&self, token: usize) -> (&[[i32; ROWS]], &[[f32; ROWS]]) {
        let of_token = token * self.groups..(token + 1) * self.groups + 1;
        (&self.sums[of_token.clone()], &self.factors[of_token])
    }
}

/// The product of some rows with all tokens.
pub(super) struct Gemv<'a, P: Unpack> {
    pub(super) rows: &'a Rows<'a, P>,
    pub(super) terms: &'a Terms<'a>,
    pub(super) group_terms: &'a GroupTerms,
    /// Activations of all tokens as [`super::gemv::Activations`] arranges them.
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
        let Gemv { rows, terms, group_terms, activations, first_row, mut outputs } = self;
        let width = outputs.width();
        let per_token = activations.len() / terms.tokens();
        let mut scales = vec![[[0; 2]; ROWS]; group_terms.groups + 1];
        for first in (0..width).step_by(ROWS) {
            let used = ROWS.min(width - first);
            // Rows beyond the last are the last: computed and dropped.
            let mut tile: [&[u8]; ROWS] = [&[]; ROWS];
            for (i, row) in tile.iter_mut().enumerate() {
                *row = rows.row(first_row + first + i.min(used - 1));
            }
            gather_scales::<P>(&tile, &mut scales);
            for token in 0..terms.tokens() {
                let tile = Tile::<P>::new(&tile, &activations[token * per_token..][..per_token]);
                let mut acc = [0.0; ROWS];
                if terms.has_one_factor() {
                    let dots = tile.dots::<V>(simd);
                    terms.add_segment(&mut acc, &dots, &[terms.weight_factor().unwrap_or(1.0); ROWS], token, 0);
                } else {
                    tile.add_groups::<V>(simd, &scales, group_terms.token(token), &mut acc);
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
    /// `window` is below the windows of a row.
    #[inline(always)]
    unsafe fn add<V: Vector>(&self, simd: Simd<V>, window: usize, runs: &mut [[V::Run; 2]; ROWS]) {
        let second = (window + V::PARTS - 1).min(self.windows - 1);
        let at = [window, second].map(|window| window * Self::STRIDE + P::WINDOWS[0]);
        // SAFETY: windows are below those of a row, and a row is readable for `BEYOND` bytes after the last; there are
        // activations for all windows, rounded up to two.
        unsafe {
            let step = self.activations.add(window * P::FIELDS * WINDOW);
            let load = |row: usize| P::load::<V>(simd, [self.rows[row].add(at[0]), self.rows[row].add(at[1])]);
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

    /// The sums of code times activation of whole rows.
    #[inline(always)]
    fn dots<V: Vector>(&self, simd: Simd<V>) -> [i32; ROWS] {
        let of_run = P::run_length::<V>() / P::FIELDS * V::PARTS;
        // SAFETY: windows are below those of a row.
        unsafe {
            let mut sums = [V::zero_sums(simd); ROWS];
            for start in (0..self.windows).step_by(of_run) {
                let mut runs = [[V::zero_run(simd); 2]; ROWS];
                for window in (start..self.windows.min(start + of_run)).step_by(V::PARTS) {
                    self.ahead.ask(window * Self::STRIDE, V::PARTS * Self::STRIDE);
                    self.add::<V>(simd, window, &mut runs);
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

    /// Adds all groups of the rows, in their order, to the accumulators. Scales are those of [`gather_scales`], terms
    /// those of [`GroupTerms::token`].
    ///
    /// # Panics
    /// If there are fewer scales or terms than groups of whole vectors.
    #[inline(always)]
    fn add_groups<V: Vector>(
        &self,
        simd: Simd<V>,
        scales: &[[[u8; 2]; ROWS]],
        (group_sums, group_factors): (&[[i32; ROWS]], &[[f32; ROWS]]),
        acc: &mut [f32; ROWS],
    ) {
        let floats = V::floats(simd);
        let mut next = *acc;
        for window in (0..self.windows).step_by(V::PARTS) {
            self.ahead.ask(window * Self::STRIDE, V::PARTS * Self::STRIDE);
            // SAFETY: windows are below those of a row.
            let sums = unsafe {
                let (mut runs, mut sums) = ([[V::zero_run(simd); 2]; ROWS], [V::zero_sums(simd); ROWS]);
                self.add::<V>(simd, window, &mut runs);
                for (sums, runs) in sums.iter_mut().zip(runs) {
                    *sums = P::widen::<V>(runs, *sums);
                }
                sums
            };
            let groups = self.windows.min(window + V::PARTS) * P::WINDOW_BLOCKS - window * P::WINDOW_BLOCKS;
            let first = window * P::WINDOW_BLOCKS;
            let mut factors = [0.0; ROWS * MOST_GROUPS];
            // Of two groups, also where a vector has one.
            for (pair, to) in factors.as_chunks_mut::<LANES>().0.iter_mut().enumerate() {
                if pair * 2 < V::PARTS * P::WINDOW_BLOCKS {
                    let at = first + 2 * pair;
                    let scales = &scales[at..at + 2].as_flattened().as_flattened().as_chunks().0[0];
                    let factors = &group_factors[at..at + 2].as_flattened().as_chunks().0[0];
                    floats.store(floats.mul(floats.load(factors), floats.load_f16(scales)), to);
                }
            }
            let minus = &group_sums[first..];
            if P::WINDOW_BLOCKS == 1 {
                let minus = if V::PARTS == 1 { &[minus[0], [0; ROWS]] } else { &minus.as_chunks::<2>().0[0] };
                let minus = &minus.as_flattened().as_chunks().0[0];
                V::fuse_parts(sums, minus, &factors.as_chunks().0[0], &mut next, groups);
            } else {
                let mut all = [[0; ROWS]; MOST_GROUPS];
                all[..V::PARTS * 2].copy_from_slice(&minus[..V::PARTS * 2]);
                V::fuse_halves(sums, &all.as_flattened().as_chunks().0[0], &factors, &mut next, groups);
            }
        }
        *acc = next;
    }
}

/// The scales of the blocks of rows, block after block; those beyond the last block stay.
#[inline(always)]
fn gather_scales<P: Unpack>(rows: &[&[u8]; ROWS], scales: &mut [[[u8; 2]; ROWS]]) {
    let at = P::SCALE_OFFSET.unwrap_or(0);
    for (row, bytes) in rows.iter().enumerate() {
        for (scales, block) in scales.iter_mut().zip(bytes.chunks_exact(P::BLOCK_BYTES)) {
            scales[row] = [block[at], block[at + 1]];
        }
    }
}
