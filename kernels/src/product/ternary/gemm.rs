//! The product for many tokens: a panel of rows is unpacked once and meets all tokens in register tiles.
//!
//! A panel holds the codes of two vectors of rows, four columns at a time: lane `r` of a vector has four columns of row
//! `r`. It has as many columns as the first cache holds; the sums of all tokens wait for the next ones.
//!
//! A tile is a panel times a few tokens; each step loads two vectors of codes, repeats four activations of a token in
//! every lane, and accumulates the outputs in lanes, so nothing is added across a vector. The activations of a tile are
//! laid out in the order of steps, once for all panels: one stream of reads, from one address.

use alloc::vec::Vec;
use core::ops::Range;

use super::cache_line::{CacheLine, LINE};
use super::panel::{Panel, PanelRows};
use super::terms::{TILE, Terms};
use super::tiles::{Activations, tile_tokens};
use crate::activations::BLOCK;
use crate::machine::Machine;
use crate::machine::columns::ColumnsMut;
use crate::machine::outputs::Output;
use crate::machine::scratch::scratch;
use crate::simd::{Isa, Kernel, Simd, Vector, prefetch, prefetch_far};

/// Rows that start a chunk of work are multiples of this, the rows of the largest panel.
const GRANULE: usize = 2 * TILE;

/// Calls of [`Vector::tile_step`] in a turn of the loop.
const TURN: usize = 2;

/// Columns of a step.
pub(super) const STEP: usize = 4;

/// Columns that are unpacked together for few tokens: whole blocks of every packing and segments, and as many as the
/// first cache, of 32 KB and more, holds as panels beside the activations of a tile.
const COLUMNS: usize = 2 * BLOCK;

/// Up to this many tokens columns are cut: 16 tokens then take 0.6 of the time on Emerald Rapids (AVX-512 VNNI). With
/// 48 and more it makes no difference, as unpacking is a small part of the work, and the sums of all tokens, which wait
/// for the next columns, come from the second cache.
const CUT_TOKENS: usize = 32;

scratch! {
    /// The memory of the sums of a panel's rows.
    static SUMS: Vec<PanelSums>;
}

/// The product of `rows` rows with all tokens, at least `least_rows` for each thread.
pub(super) fn product(
    cpu: &Machine,
    (matrix, rows): (&dyn PanelRows, usize),
    terms: &Terms<'_>,
    y: &mut [Output],
    least_rows: usize,
) {
    let activations = &Activations::new(cpu, terms);
    cpu.for_column_chunks(y, rows, GRANULE, least_rows, |first_row, outputs| {
        cpu.isa().run(Gemm { isa: cpu.isa(), rows: matrix, terms, activations, first_row, outputs });
    });
}

/// The product of some rows with all tokens.
struct Gemm<'a> {
    isa: Isa,
    rows: &'a dyn PanelRows,
    terms: &'a Terms<'a>,
    activations: &'a Activations,
    first_row: usize,
    /// For each token, the outputs of the rows from `first_row` on.
    outputs: ColumnsMut<'a, Output>,
}

/// What the rows of a panel came to for a token: the sums of code times activation where all columns have one factor,
/// else the accumulators, whose bits these are.
type PanelSums = [[i32; TILE]; 2];

impl Kernel for Gemm<'_> {
    type Output = ();
    const DOTS: bool = true;

    #[inline(always)]
    fn run<V: Vector>(mut self, simd: Simd<V>) {
        let (rows, cols) = (self.outputs.width(), self.rows.padded_cols());
        let at_once = if self.terms.tokens() <= CUT_TOKENS { COLUMNS } else { cols };
        let (mut panel, mut sums) = (Panel::take(), SUMS.take());
        for first in (0..rows).step_by(2 * V::LANES) {
            let used = (2 * V::LANES).min(rows - first);
            let of_panel = self.first_row + first..self.first_row + first + used;
            let next = self.rows.rows_from(of_panel.end, 2 * V::LANES);
            for start in (0..cols).step_by(at_once) {
                let columns = start..cols.min(start + at_once);
                let next = share(next, &columns, cols);
                self.rows.fill(self.isa, of_panel.clone(), columns.clone(), self.terms, &mut panel);
                self.add_columns::<V>(simd, &panel, (columns, cols), next, first..first + used, &mut sums);
            }
        }
        panel.keep();
        SUMS.set(sums);
    }
}

impl Gemm<'_> {
    /// Adds the products of a panel, which has `columns` of `cols`, with all tokens to their sums, which begin with the
    /// first columns and with the last become the outputs in `rows`. Asks for `next` meanwhile.
    #[inline(always)]
    fn add_columns<V: Vector>(
        &mut self,
        simd: Simd<V>,
        panel: &Panel,
        (columns, cols): (Range<usize>, usize),
        next: &[u8],
        rows: Range<usize>,
        sums: &mut Vec<PanelSums>,
    ) {
        let all = self.terms.tokens();
        let (begins, ends) = (columns.start == 0, columns.end == cols);
        // Where nothing waits for more columns, each tile has the place of the one before. The last tile may have more
        // tokens than there are.
        sums.resize(if begins && ends { V::TOKENS } else { all + V::TOKENS }, [[0; TILE]; 2]);
        let mut token = 0;
        while token < all {
            let width = tile_tokens::<V>(all - token);
            let tokens = token..all.min(token + width);
            let place = if begins && ends { 0 } else { token };
            let sums = &mut sums[place..place + width];
            if begins {
                sums.fill([[0; TILE]; 2]);
            }
            if ends {
                for token in tokens.clone() {
                    for line in self.outputs.row(token)[rows.clone()].chunks(LINE / size_of::<f32>()) {
                        prefetch(line.as_ptr().cast());
                    }
                }
            }
            let tile = Tile {
                panel,
                columns: columns.clone(),
                next: share(next, &tokens, all),
                terms: self.terms,
                fuses: self.rows.fuses(),
                activations: &self.activations.tile(self.terms, token, width)[columns.start * width..],
                token_terms: self.activations.terms(token, width),
            };
            // Tiles that the instruction set does not have are not compiled for it.
            match width {
                12 if const { V::TOKENS == 12 } => tile.add::<V, 12>(simd, sums),
                8 if const { V::TOKENS == 12 } => tile.add::<V, 8>(simd, sums),
                6 if const { V::TOKENS == 6 } => tile.add::<V, 6>(simd, sums),
                _ => tile.add::<V, 4>(simd, sums),
            }
            if ends {
                self.finish::<V>(tokens, rows.clone(), sums);
            }
            token += width;
        }
    }

    /// Writes the outputs of `tokens` in `columns`, the rows of a panel.
    #[inline(always)]
    fn finish<V: Vector>(&mut self, tokens: Range<usize>, columns: Range<usize>, sums: &[PanelSums]) {
        let Gemm { terms, outputs, .. } = self;
        let factors = [terms.weight_factor().unwrap_or(1.0); TILE];
        for (token, sums) in tokens.zip(sums) {
            let (low, high) = outputs.row(token)[columns.clone()].split_at_mut(V::LANES.min(columns.len()));
            for (outputs, sums) in [low, high].into_iter().zip(sums) {
                let mut acc = [0.0; TILE];
                if terms.has_one_factor() {
                    terms.add_segment(&mut acc, sums, &factors, token, 0);
                } else {
                    acc = bytemuck::cast(*sums);
                }
                terms.finish(&acc, token, outputs);
            }
        }
    }
}

/// The share of `bytes` that is for a part of `all`.
#[inline(always)]
fn share<'a>(bytes: &'a [u8], part: &Range<usize>, all: usize) -> &'a [u8] {
    &bytes[bytes.len() * part.start / all..bytes.len() * part.end / all]
}

/// A panel and the tokens it is multiplied with.
struct Tile<'a> {
    panel: &'a Panel,
    columns: Range<usize>,
    /// What is asked for meanwhile, into the second cache: a share of the weights of the next panel.
    next: &'a [u8],
    terms: &'a Terms<'a>,
    /// Whether products of segments are added with one rounding.
    fuses: bool,
    /// `[steps][tokens][columns of a step]`, from the first step of the columns on.
    activations: &'a [i8],
    /// Sums of the activations, negated, and their scales, `[segments][tokens]`, from the first segment of all
    /// columns on.
    token_terms: (&'a [i32], &'a [f32]),
}

impl Tile<'_> {
    /// Adds the products to the sums of `T` tokens.
    ///
    /// # Panics
    /// If there are not sums for `T` tokens.
    #[inline(always)]
    fn add<V: Vector, const T: usize>(self, simd: Simd<V>, sums: &mut [PanelSums]) {
        let sums = sums.first_chunk_mut::<T>().expect("sums of a tile");
        if self.terms.has_one_factor() {
            self.add_dots::<V, T>(simd, sums);
        } else if self.fuses {
            self.add_segments::<V, T, true>(simd, sums);
        } else {
            self.add_segments::<V, T, false>(simd, sums);
        }
    }

    /// Adds the sums of all columns.
    #[inline(always)]
    fn add_dots<V: Vector, const T: usize>(self, simd: Simd<V>, sums: &mut [PanelSums; T]) {
        let steps = self.columns.len() / STEP;
        let dots = dot_tile::<V, T>(simd, &self.panel.codes, steps, self.activations, self.next);
        for t in 0..T {
            for half in 0..2 {
                V::add_lanes(dots[t][half], &mut sums[t][half]);
            }
        }
    }

    /// Adds segment after segment under its scales; `FUSED` as [`Vector::add_scaled`] has it.
    #[inline(always)]
    fn add_segments<V: Vector, const T: usize, const FUSED: bool>(self, simd: Simd<V>, sums: &mut [PanelSums; T]) {
        let Tile { panel, columns, next, terms, activations, token_terms, .. } = self;
        let (segments, steps) = (columns.len() / terms.segment(), terms.segment() / STEP);
        let first = columns.start / terms.segment();
        let minus_sums = token_terms.0.as_chunks::<T>().0[first..].iter();
        let of_segments = minus_sums.zip(&token_terms.1.as_chunks::<T>().0[first..]).zip(&panel.factors);
        for (segment, ((minus_sums, factors), weight_factors)) in of_segments.enumerate().take(segments) {
            let activations = &activations[segment * steps * STEP * T..];
            let codes = &panel.codes[segment * steps * 2 * STEP * V::LANES / LINE..];
            let next = share(next, &(segment..segment + 1), segments);
            let dots = dot_segment::<V, T>(simd, codes, steps, activations, next, minus_sums);
            for t in 0..T {
                let minus = if V::RUNS_START { 0 } else { -minus_sums[t] };
                for half in 0..2 {
                    let (weight_factors, sums) = (&weight_factors[half], &mut sums[t][half]);
                    V::add_scaled(dots[t][half], minus, factors[t], weight_factors, sums, FUSED);
                }
            }
        }
    }
}

/// [`dot_tile`] for so few steps that one run takes them, which begins with `starts` where the instruction set lets it.
///
/// # Panics
/// If `codes` or the activations have fewer steps, or a run takes fewer.
#[inline(always)]
fn dot_segment<V: Vector, const T: usize>(
    simd: Simd<V>,
    codes: &[CacheLine],
    steps: usize,
    activations: &[i8],
    next: &[u8],
    starts: &[i32; T],
) -> [[V::Sums; 2]; T] {
    let vector = STEP * V::LANES;
    let turn = TURN * V::STEPS;
    assert!(steps.is_multiple_of(turn) && steps <= V::RUN, "a turn of the loop takes {turn} steps, a run {}", V::RUN);
    assert!(codes.len() * LINE >= steps * 2 * vector, "codes of {steps} steps");
    assert!(activations.len() >= steps * STEP * T, "activations of {steps} steps");
    next.chunks(LINE).for_each(|line| prefetch_far(line.as_ptr()));
    // SAFETY: the assertions found two vectors of codes and four
    // activations of each token for all steps, which are whole turns.
    unsafe {
        let mut runs = [[V::zero_run(simd); 2]; T];
        for t in 0..T {
            runs[t] = [V::run_from(simd, starts[t]); 2];
        }
        let mut at = (codes.as_ptr().cast::<u8>(), activations.as_ptr());
        for _ in 0..steps / turn {
            for _ in 0..TURN {
                at = add_step::<V, T>(simd, at, &mut runs);
            }
        }
        V::unmix_tokens(&mut runs);
        let mut sums = [[V::zero_sums(simd); 2]; T];
        for t in 0..T {
            for half in 0..2 {
                sums[t][half] = V::widen(runs[t][half], sums[t][half]);
            }
        }
        sums
    }
}

/// The sums of code times activation of two vectors of rows and `T` tokens over `steps` steps. Asks for `next`
/// meanwhile.
///
/// # Panics
/// If `codes` or the activations have fewer steps.
#[inline(always)]
fn dot_tile<V: Vector, const T: usize>(
    simd: Simd<V>,
    codes: &[CacheLine],
    steps: usize,
    activations: &[i8],
    next: &[u8],
) -> [[V::Sums; 2]; T] {
    let vector = STEP * V::LANES;
    let turn = TURN * V::STEPS;
    assert!(steps.is_multiple_of(turn) && V::RUN.is_multiple_of(turn), "a turn of the loop takes {turn} steps");
    assert!(codes.len() * LINE >= steps * 2 * vector, "codes of {steps} steps");
    assert!(activations.len() >= steps * STEP * T, "activations of {steps} steps");
    let codes = codes.as_ptr().cast::<u8>();
    let activations = activations.as_ptr();
    // Lines are asked for one by one, so that reading memory does not wait for products or they for it.
    let mut lines = next.chunks(LINE);
    let turns_of_line = (steps / turn / lines.len().max(1)).max(1);
    // SAFETY: steps are below `steps`, for which the assertions found
    // two vectors of codes and four activations of each token; a run's steps are whole turns.
    unsafe {
        let mut sums = [[V::zero_sums(simd); 2]; T];
        let mut start = 0;
        while start < steps {
            let stop = steps.min(start.saturating_add(V::RUN));
            let mut runs = [[V::zero_run(simd); 2]; T];
            let mut at = (codes.add(2 * start * vector), activations.add(start * STEP * T));
            let mut turns = (stop - start) / turn;
            while turns > 0 {
                if let Some(line) = lines.next() {
                    prefetch_far(line.as_ptr());
                }
                let until_next = turns.min(turns_of_line);
                for _ in 0..until_next {
                    for _ in 0..TURN {
                        at = add_step::<V, T>(simd, at, &mut runs);
                    }
                }
                turns -= until_next;
            }
            V::unmix_tokens(&mut runs);
            for (sums, runs) in sums.iter_mut().zip(&runs) {
                for half in 0..2 {
                    sums[half] = V::widen(runs[half], sums[half]);
                }
            }
            start = stop;
        }
        sums
    }
}

/// Adds what [`Vector::tile_step`] takes of codes and activations, and returns where the next ones are.
///
/// # Safety
/// Both pointers are readable for [`Vector::STEPS`] steps.
#[inline(always)]
unsafe fn add_step<V: Vector, const T: usize>(
    simd: Simd<V>,
    (codes, activations): (*const u8, *const i8),
    runs: &mut [[V::Run; 2]; T],
) -> (*const u8, *const i8) {
    // SAFETY: the caller vouches for the bytes.
    unsafe {
        let mut columns = [activations; T];
        for (token, column) in columns.iter_mut().enumerate() {
            *column = column.add(token * STEP * V::STEPS);
        }
        V::tile_step(simd, codes, &columns, runs);
        (codes.add(2 * STEP * V::LANES * V::STEPS), activations.add(STEP * T * V::STEPS))
    }
}
