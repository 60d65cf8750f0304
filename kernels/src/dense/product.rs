//! The product of a dense matrix with rows of f32 activations.

use super::DensePacking;
use crate::arch::floats::{self, FloatKernel, Floats, LANES, tree_sum};
use crate::cpu::Cpu;
use crate::float::dot::{Lanes, accumulate};
use crate::packing::Packed;

/// Rows of the matrix that are decoded together.
const ROWS: usize = 4;
/// Columns that are decoded at once: a multiple of every block and of the lanes; four rows of them stay in the L1 cache.
const SEGMENT: usize = 512;
/// Tokens that share one decoding of the matrix; their activations stay in the L2 cache.
const TOKENS: usize = 32;

/// `y[t][r] = (row r . x[t]) * multiplier`, in f32; `x` is `[tokens][cols]`, `y` is `[tokens][rows]`.
///
/// Weights are decoded to f32 and multiplied in the order of [`accumulate`]: product `k` into lane `k % 16`, lanes added
/// as a balanced tree, nothing fused. One token or many, the same bits.
///
/// # Panics
/// If the lengths of `x` and `y` are not those of the same number of tokens.
pub(crate) fn product<P: DensePacking>(cpu: &Cpu, x: &[f32], matrix: &Packed<P>, y: &mut [f32]) {
    let (rows, cols) = (matrix.rows(), matrix.cols());
    assert!(rows > 0 && cols > 0 && x.len() % cols == 0 && x.len() / cols * rows == y.len(), "sizes of the product");
    cpu.for_column_chunks(y, rows, ROWS, |first_row, outputs| {
        floats::run(cpu.isa(), RowsTimesTokens { matrix, first_row, x, outputs });
    });
}

/// The outputs of some rows, for all tokens.
struct RowsTimesTokens<'a, 'y, P: DensePacking> {
    matrix: &'a Packed<P>,
    first_row: usize,
    x: &'a [f32],
    /// For each token, the outputs of the rows from `first_row`.
    outputs: &'a mut [&'y mut [f32]],
}

/// Scratch for one panel of rows.
struct Scratch {
    weights: [[f32; SEGMENT]; ROWS],
    lanes: [[Lanes; ROWS]; TOKENS],
}

impl<P: DensePacking> FloatKernel for RowsTimesTokens<'_, '_, P> {
    type Output = ();

    #[inline(always)]
    fn run<S: Floats>(self, floats: S) {
        let RowsTimesTokens { matrix, first_row, x, outputs } = self;
        let cols = matrix.cols();
        let mut scratch = Scratch { weights: [[0.0; SEGMENT]; ROWS], lanes: [[[0.0; LANES]; ROWS]; TOKENS] };
        for (x, outputs) in x.chunks(TOKENS * cols).zip(outputs.chunks_mut(TOKENS)) {
            let rows = outputs[0].len();
            for row in (0..rows).step_by(ROWS) {
                let panel = ROWS.min(rows - row);
                multiply_panel(floats, matrix, first_row + row..first_row + row + panel, x, &mut scratch);
                for (output, lanes) in outputs.iter_mut().zip(&scratch.lanes) {
                    for (y, lanes) in output[row..row + panel].iter_mut().zip(lanes) {
                        *y = tree_sum(*lanes) * matrix.multiplier();
                    }
                }
            }
        }
    }
}

/// The running sums of up to [`ROWS`] rows for up to [`TOKENS`] tokens, into `scratch.lanes`. Rows that the panel lacks
/// are computed from what the scratch holds and mean nothing.
#[inline(always)]
fn multiply_panel<S: Floats, P: DensePacking>(
    floats: S,
    matrix: &Packed<P>,
    panel: core::ops::Range<usize>,
    x: &[f32],
    scratch: &mut Scratch,
) {
    let cols = matrix.cols();
    let Scratch { weights, lanes } = scratch;
    let lanes = &mut lanes[..x.len() / cols];
    lanes.fill([[0.0; LANES]; ROWS]);
    for start in (0..cols).step_by(SEGMENT) {
        let end = cols.min(start + SEGMENT);
        for (weights, row) in weights.iter_mut().zip(panel.clone()) {
            // Whole blocks: a padded row ends within one.
            let weights = &mut weights[..(end - start).next_multiple_of(P::BLOCK)];
            P::decode_blocks(floats, matrix.row_segment(row, start..end), matrix.shared(), weights);
        }
        let rows: [&[f32]; ROWS] = [&weights[0], &weights[1], &weights[2], &weights[3]].map(|row| &row[..end - start]);
        let token = |t: usize| &x[t * cols + start..t * cols + end];
        let mut t = 0;
        if S::MANY_REGISTERS {
            for tile in lanes.as_chunks_mut::<4>().0 {
                accumulate(floats, [token(t), token(t + 1), token(t + 2), token(t + 3)], rows, tile);
                t += 4;
            }
        }
        for tile in lanes[t..].as_chunks_mut::<1>().0 {
            accumulate(floats, [token(t)], rows, tile);
            t += 1;
        }
    }
}
