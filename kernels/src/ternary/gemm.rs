//! The product for many tokens: a panel of rows is unpacked once and meets all tokens in register tiles.
//!
//! A panel holds the codes of two vectors of rows, four columns at a time: lane `r` of a vector has four columns of row
//! `r`. A tile is a panel times a few tokens; each step loads two vectors of codes, repeats four activations of a token
//! in every lane, and accumulates the outputs in lanes, so nothing is added across a vector. The activations of a tile
//! are laid out in the order of steps, once for all panels: one stream of reads, from one address.

use alloc::vec::Vec;
use core::ops::Range;

use super::lines::{LINE, Line};
use super::terms::{TILE, Terms};
use super::tiles::{Activations, tile_tokens};
use super::unpack::{Quad, load_parts};
use super::{Unpack, pointers};
use crate::arch::{Kernel, Vector, prefetch, prefetch_far};
use crate::columns::Columns;
use crate::kept::kept;
use crate::packing::Packed;
use crate::slots::Slot;

/// Rows that start a chunk of work are multiples of this, the rows of the largest panel.
pub(super) const GRANULE: usize = 2 * TILE;

/// Calls of [`Vector::tile_step`] in a turn of the loop.
const TURN: usize = 2;

/// Columns of a step.
pub(super) const STEP: usize = 4;

kept! {
    /// The memory of [`Panel::codes`], which the next product of the thread uses again.
    static PANEL: Vec<Line>;
}

/// The product of some rows with all tokens.
pub(super) struct Gemm<'a, P: Unpack> {
    pub(super) matrix: &'a Packed<P>,
    pub(super) terms: &'a Terms<'a>,
    pub(super) activations: &'a Activations,
    pub(super) first_row: usize,
    /// For each token, the outputs of the rows from `first_row` on.
    pub(super) outputs: Columns<'a, Slot>,
}

/// The codes and scales of two vectors of rows.
struct Panel {
    /// `[steps][2][LANES][4]`
    codes: Vec<Line>,
    /// `[segments][2]`
    factors: Vec<[[f32; TILE]; 2]>,
    /// Steps of a segment.
    steps: usize,
}

impl<P: Unpack> Kernel for Gemm<'_, P> {
    type Output = ();
    const DOTS: bool = true;

    #[inline(always)]
    unsafe fn run<V: Vector>(self) {
        let Gemm { matrix, terms, activations, first_row, mut outputs } = self;
        let rows = outputs.width();
        let cols = matrix.blocks_per_row() * P::BLOCK;
        let mut codes = PANEL.take();
        codes.resize(cols * 2 * V::LANES / LINE, Line::ZERO);
        let mut panel =
            Panel { codes, factors: vec![[[0.0; TILE]; 2]; terms.segments()], steps: cols / terms.segments() / STEP };
        for first in (0..rows).step_by(2 * V::LANES) {
            let used = (2 * V::LANES).min(rows - first);
            for half in 0..2 {
                // Rows beyond the last are the last: computed and dropped.
                let mut tile: [&[u8]; TILE] = [&[]; TILE];
                for (i, row) in tile.iter_mut().enumerate() {
                    *row = matrix.row(first_row + first + (half * V::LANES + i).min(used - 1));
                }
                // SAFETY: the caller vouches for the instructions of `V`.
                unsafe { unpack_rows::<V, P>(&tile, half, &mut panel.codes) };
                for (segment, factors) in panel.factors.iter_mut().enumerate() {
                    factors[half] = terms.weight_factors::<P, TILE>(&tile, segment);
                }
            }
            // SAFETY: the caller vouches for the instructions of `V`.
            unsafe { pair_steps::<V>(&mut panel.codes) };
            let columns = first..first + used;
            let next = matrix.rows_from(first_row + first + used, 2 * V::LANES);
            let mut token = 0;
            while token < terms.tokens() {
                let width = tile_tokens::<V>(terms.tokens() - token);
                let tokens = token..terms.tokens().min(token + width);
                ask_for_share(next, &tokens, terms.tokens());
                let tile = Tile {
                    panel: &panel,
                    terms,
                    activations: activations.tile(terms, token, width),
                    first_token: token,
                    columns: columns.clone(),
                };
                let outputs = outputs.of_rows(tokens);
                // SAFETY: the caller vouches for the instructions of `V`.
                unsafe {
                    // Tiles that the instruction set does not have are not compiled for it.
                    match width {
                        12 if const { V::TOKENS == 12 } => tile.run::<V, 12>(outputs),
                        8 if const { V::TOKENS == 12 } => tile.run::<V, 8>(outputs),
                        6 if const { V::TOKENS == 6 } => tile.run::<V, 6>(outputs),
                        _ => tile.run::<V, 4>(outputs),
                    }
                }
                token += width;
            }
        }
        PANEL.set(panel.codes);
    }
}

/// Asks for the share of `bytes` that is for `tokens` of `all` tokens.
#[inline(always)]
fn ask_for_share(bytes: &[u8], tokens: &Range<usize>, all: usize) {
    let share = bytes.len() * tokens.start / all..bytes.len() * tokens.end / all;
    for line in bytes[share].chunks(LINE) {
        prefetch_far(line.as_ptr());
    }
}

/// Writes the codes of a vector of rows (the first [`Vector::LANES`] of `rows`) into half `half` of a panel.
///
/// # Safety
/// The machine has the instructions of `V`.
///
/// # Panics
/// If the rows are not as long as the first, or the panel has another number of columns.
#[inline(always)]
unsafe fn unpack_rows<V: Vector, P: Unpack>(rows: &[&[u8]; TILE], half: usize, panel: &mut [Line]) {
    let vector = STEP * V::LANES;
    let blocks = rows[0].len() / P::BLOCK_BYTES;
    assert!(rows.iter().all(|row| row.len() == blocks * P::BLOCK_BYTES), "rows of one matrix");
    assert!(half < 2 && panel.len() * LINE == blocks * P::BLOCK / STEP * 2 * vector, "a panel of the rows' columns");
    let rows = pointers(rows);
    for block in 0..blocks {
        for (number, window) in P::WINDOWS.iter().enumerate() {
            let at = block * P::BLOCK_BYTES + window;
            // SAFETY: the caller vouches for the instructions of `V`; windows lie in their block, and rows have
            // `blocks` blocks.
            let lanes = V::transpose_lanes(unsafe { load_parts::<V>(&rows, at) });
            for (lane, bytes) in lanes.into_iter().enumerate() {
                let Some(quad) = Quad::at::<P>(number, lane) else { continue };
                let codes = P::fields(bytes);
                for (field, codes) in codes.iter().enumerate().take(quad.fields) {
                    let step = (block * P::BLOCK + quad.column(field)) / STEP;
                    // SAFETY: columns of a quad are below `P::BLOCK`, so `step` is below the steps of the panel, each
                    // of which has two vectors.
                    unsafe { codes.store(panel.as_mut_ptr().cast::<u8>().add((2 * step + half) * vector)) };
                }
            }
        }
    }
}

/// Puts the steps of a panel in the order that [`Vector::tile_step`] reads.
///
/// # Safety
/// The machine has the instructions of `V`.
#[inline(always)]
unsafe fn pair_steps<V: Vector>(panel: &mut [Line]) {
    if V::STEPS == 1 {
        return;
    }
    let vector = STEP * V::LANES;
    for steps in panel.chunks_exact_mut(4 * vector / LINE) {
        let steps = steps.as_mut_ptr().cast::<u8>();
        for half in 0..2 {
            // SAFETY: the caller vouches for the instructions of `V`; a chunk has the two vectors of two steps.
            unsafe {
                let (first, second) = (steps.add(half * vector), steps.add((2 + half) * vector));
                let [low, high] = V::pair_steps([V::load(first), V::load(second)]);
                low.store(first);
                high.store(second);
            }
        }
    }
}

/// A panel and the tokens it is multiplied with.
struct Tile<'a> {
    panel: &'a Panel,
    terms: &'a Terms<'a>,
    /// `[steps][tokens][columns of a step]`
    activations: &'a [i8],
    first_token: usize,
    /// The rows of the panel, as columns of the outputs.
    columns: Range<usize>,
}

impl Tile<'_> {
    /// The outputs in `columns` of the tokens from `first_token` on, as many as `outputs` has rows, of a tile of
    /// `T` tokens.
    ///
    /// # Safety
    /// The machine has the instructions of `V`.
    #[inline(always)]
    unsafe fn run<V: Vector, const T: usize>(self, mut outputs: Columns<'_, Slot>) {
        let Tile { panel, terms, activations, first_token, columns } = self;
        for token in 0..outputs.rows() {
            for line in outputs.row(token)[columns.clone()].chunks(LINE / size_of::<f32>()) {
                prefetch(line.as_ptr().cast());
            }
        }
        let mut acc = [[[0.0; TILE]; 2]; T];
        for (segment, factors) in panel.factors.iter().enumerate() {
            let activations = &activations[segment * panel.steps * STEP * T..];
            let codes = &panel.codes[segment * panel.steps * 2 * STEP * V::LANES / LINE..];
            // SAFETY: the caller vouches for the instructions of `V`.
            let dots = unsafe { dot_tile::<V, T>(codes, panel.steps, activations) };
            for (t, (acc, dots)) in acc.iter_mut().zip(&dots).enumerate().take(outputs.rows()) {
                for half in 0..2 {
                    terms.add_segment(&mut acc[half], &dots[half], &factors[half], first_token + t, segment);
                }
            }
        }
        for (t, acc) in acc.iter().enumerate().take(outputs.rows()) {
            let (low, high) = outputs.row(t)[columns.clone()].split_at_mut(V::LANES.min(columns.len()));
            terms.finish(&acc[0], first_token + t, low);
            terms.finish(&acc[1], first_token + t, high);
        }
    }
}

/// The sums of code times activation of two vectors of rows and `T` tokens over `steps` steps.
///
/// # Safety
/// The machine has the instructions of `V`.
///
/// # Panics
/// If `codes` or the activations have fewer steps.
#[inline(always)]
unsafe fn dot_tile<V: Vector, const T: usize>(
    codes: &[Line],
    steps: usize,
    activations: &[i8],
) -> [[[i32; TILE]; 2]; T] {
    let vector = STEP * V::LANES;
    let turn = TURN * V::STEPS;
    assert!(steps.is_multiple_of(turn) && V::RUN.is_multiple_of(turn), "a turn of the loop takes {turn} steps");
    assert!(codes.len() * LINE >= steps * 2 * vector, "codes of {steps} steps");
    assert!(activations.len() >= steps * STEP * T, "activations of {steps} steps");
    let codes = codes.as_ptr().cast::<u8>();
    let activations = activations.as_ptr();
    // SAFETY: the caller vouches for the instructions of `V`. Steps are below `steps`, for which the assertions found
    // two vectors of codes and four activations of each token; a run's steps are whole turns.
    unsafe {
        let mut sums = [[V::zero_sums(); 2]; T];
        let mut start = 0;
        while start < steps {
            let stop = steps.min(start.saturating_add(V::RUN));
            let mut runs = [[V::zero_run(); 2]; T];
            let mut at = (codes.add(2 * start * vector), activations.add(start * STEP * T));
            for _ in 0..(stop - start) / TURN / V::STEPS {
                for _ in 0..TURN {
                    at = add_step::<V, T>(at, &mut runs);
                }
            }
            V::separate_tokens(&mut runs);
            for (sums, runs) in sums.iter_mut().zip(&runs) {
                for half in 0..2 {
                    sums[half] = V::widen(runs[half], sums[half]);
                }
            }
            start = stop;
        }
        let mut dots = [[[0; TILE]; 2]; T];
        for (dots, sums) in dots.iter_mut().zip(&sums) {
            *dots = [V::lanes(sums[0]), V::lanes(sums[1])];
        }
        dots
    }
}

/// Adds what [`Vector::tile_step`] takes of codes and activations, and returns where the next ones are.
///
/// # Safety
/// The machine has the instructions of `V`; both pointers are readable for [`Vector::STEPS`] steps.
#[inline(always)]
unsafe fn add_step<V: Vector, const T: usize>(
    (codes, activations): (*const u8, *const i8),
    runs: &mut [[V::Run; 2]; T],
) -> (*const u8, *const i8) {
    // SAFETY: the caller vouches for the instructions and the bytes.
    unsafe {
        let mut columns = [activations; T];
        for (token, column) in columns.iter_mut().enumerate() {
            *column = column.add(token * STEP * V::STEPS);
        }
        V::tile_step(codes, &columns, runs);
        (codes.add(2 * STEP * V::LANES * V::STEPS), activations.add(STEP * T * V::STEPS))
    }
}
