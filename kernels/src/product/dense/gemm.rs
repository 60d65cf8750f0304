//! The product for several tokens: a segment of some rows is decoded once and meets many tokens in register tiles.
//!
//! Decoding is compiled for each packing ([`DecodeRow`]), the product once for all of them.

use core::ops::Range;

use crate::elementwise::dot::{Lanes, accumulate};
use crate::machine::Machine;
use crate::machine::columns::ColumnsMut;
use crate::machine::outputs::Output;
use crate::packing::{DensePacking, Packed};
use crate::simd::Isa;
use crate::simd::floats::{self, FloatKernel, Floats, LANES};

/// Rows and tokens of a tile. While there are fewer tokens, but more than one, whose rows do not wait for one another,
/// rows are decoded one after the other, as they lie in memory.
const TILE: usize = 4;
/// Columns that are decoded at once: a multiple of every block and of the lanes; four rows of them stay in the L1
/// cache.
const SEGMENT: usize = 512;
/// Tokens that share one decoding of the matrix; their activations stay in the L2 cache.
const TOKENS: usize = 32;

/// A matrix of any packing, whose rows can be decoded.
pub(super) trait DecodeRow: Sync {
    /// Number of rows.
    fn rows(&self) -> usize;

    /// Number of columns.
    fn cols(&self) -> usize;

    /// The factor of all outputs.
    fn multiplier(&self) -> f32;

    /// Decodes the columns `columns` of a row, which begin with a block, and those of padding that follow in the last
    /// block: the first elements of `weights`.
    fn decode(&self, isa: Isa, row: usize, columns: Range<usize>, weights: &mut [f32; SEGMENT]);
}

impl<P: DensePacking> DecodeRow for Packed<P> {
    fn rows(&self) -> usize {
        Packed::rows(self)
    }

    fn cols(&self) -> usize {
        Packed::cols(self)
    }

    fn multiplier(&self) -> f32 {
        Packed::multiplier(self)
    }

    fn decode(&self, isa: Isa, row: usize, columns: Range<usize>, weights: &mut [f32; SEGMENT]) {
        // Whole blocks: a padded row ends within one.
        let weights = &mut weights[..columns.len().next_multiple_of(P::BLOCK)];
        floats::run(isa, Decode::<P> { blocks: self.row_segment(row, columns), shared: self.shared(), weights });
    }
}

/// Decodes blocks of a row.
struct Decode<'a, P: DensePacking> {
    blocks: &'a [u8],
    shared: P::Shared,
    weights: &'a mut [f32],
}

impl<P: DensePacking> FloatKernel for Decode<'_, P> {
    type Output = ();

    #[inline(always)]
    fn run<S: Floats>(self, floats: S) {
        P::decode_units(floats, self.blocks, self.shared, self.weights);
    }
}

/// The product of all rows; `x` is `[tokens][cols]`, `y` is `[tokens][rows]`.
pub(super) fn product(cpu: &Machine, matrix: &dyn DecodeRow, x: &[f32], y: &mut [Output]) {
    cpu.for_column_chunks(y, matrix.rows(), TILE, TILE, |first_row, outputs| {
        floats::run(cpu.isa(), Gemm { isa: cpu.isa(), matrix, first_row, x, outputs });
    });
}

/// The outputs of some rows, for all tokens.
struct Gemm<'a> {
    isa: Isa,
    matrix: &'a dyn DecodeRow,
    first_row: usize,
    x: &'a [f32],
    /// For each token, the outputs of the rows from `first_row`.
    outputs: ColumnsMut<'a, Output>,
}

impl FloatKernel for Gemm<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Floats>(self, floats: S) {
        let Gemm { isa, matrix, first_row, x, mut outputs } = self;
        let rows = outputs.width();
        let mut tile = Panel::<TILE>::new();
        let mut single = Panel::<1>::new();
        for (x, first_token) in x.chunks(TOKENS * matrix.cols()).zip((0..).step_by(TOKENS)) {
            let tokens = first_token..first_token + x.len() / matrix.cols();
            let mut outputs = outputs.of_rows(tokens.clone());
            let tiled = if (2..TILE).contains(&tokens.len()) { 0 } else { rows - rows % TILE };
            for row in (0..tiled).step_by(TILE) {
                tile.multiply(floats, (isa, matrix), first_row + row, x);
                tile.finish(floats, matrix.multiplier(), row, &mut outputs);
            }
            for row in tiled..rows {
                single.multiply(floats, (isa, matrix), first_row + row, x);
                single.finish(floats, matrix.multiplier(), row, &mut outputs);
            }
        }
    }
}

/// `R` consecutive rows: a segment of their weights, and their running sums for each token.
struct Panel<const R: usize> {
    weights: [[f32; SEGMENT]; R],
    lanes: [[Lanes; R]; TOKENS],
}

impl<const R: usize> Panel<R> {
    #[inline(always)]
    fn new() -> Self {
        Panel { weights: [[0.0; SEGMENT]; R], lanes: [[[0.0; LANES]; R]; TOKENS] }
    }

    /// The running sums of the rows from `first_row` for the tokens of `x`, at most [`TOKENS`].
    #[inline(always)]
    fn multiply<S: Floats>(&mut self, floats: S, (isa, matrix): (Isa, &dyn DecodeRow), first_row: usize, x: &[f32]) {
        let cols = matrix.cols();
        let Panel { weights, lanes } = self;
        let lanes = &mut lanes[..x.len() / cols];
        lanes.fill([[0.0; LANES]; R]);
        for start in (0..cols).step_by(SEGMENT) {
            let end = cols.min(start + SEGMENT);
            for (row, weights) in weights.iter_mut().enumerate() {
                matrix.decode(isa, first_row + row, start..end, weights);
            }
            let mut rows: [&[f32]; R] = [&[]; R];
            for (row, weights) in rows.iter_mut().zip(&*weights) {
                *row = &weights[..end - start];
            }
            let token = |t: usize| &x[t * cols + start..t * cols + end];
            let mut t = 0;
            if S::MANY_REGISTERS {
                for tile in lanes.as_chunks_mut::<TILE>().0 {
                    accumulate(floats, [token(t), token(t + 1), token(t + 2), token(t + 3)], rows, tile);
                    t += TILE;
                }
            }
            for tile in lanes[t..].as_chunks_mut::<1>().0 {
                accumulate(floats, [token(t)], rows, tile);
                t += 1;
            }
        }
    }

    /// Writes the results of the last `multiply` to `outputs[token][row..row + R]`.
    #[inline(always)]
    fn finish<S: Floats>(&self, floats: S, multiplier: f32, row: usize, outputs: &mut ColumnsMut<'_, Output>) {
        for (token, lanes) in self.lanes.iter().enumerate().take(outputs.rows()) {
            for (y, lanes) in outputs.row(token)[row..row + R].iter_mut().zip(lanes) {
                y.put(floats.sum(floats.load(lanes)) * multiplier);
            }
        }
    }
}
