//! Products of quantized dense matrices with 16-bit activations: integer dot products under the scales of both sides.
//!
//! What belongs here: activations as kernels read them, and the product for one token and for many. What does not: the
//! layouts and their arithmetic within 256 columns ([`crate::packing`]), quantization ([`crate::activations`]).
//!
//! The arithmetic is that of [`crate::product::dense`]. A code is `q = 255 high + low`, both parts signed bytes in
//! -127..=127, so that sums of products with codes of weights are sums of products of bytes.

#[cfg(test)]
mod tests;

use alloc::vec::Vec;
use core::ops::Range;

use super::words::InWords;
use crate::activations::{BLOCK, Int16Rows};
use crate::machine::Machine;
use crate::machine::columns::ColumnsMut;
use crate::machine::outputs::Output;
use crate::packing::{ActivationBlock, Int16Packing, Packed, Planes};
use crate::simd::floats::Floats;
use crate::simd::integers::{BYTES, Integers};
use crate::simd::{Kernel, Simd, Vector, prefetch_far_lines};

/// Products of codes that are worth a thread: some microseconds of work.
const LEAST_PRODUCTS: usize = 1 << 17;

/// Bytes of weights that meet all tokens before the next do; they stay in the L2 cache.
const PANEL_BYTES: usize = 1 << 17;

/// The most tokens that share one decoding of weights.
const TOKENS: usize = 4;

/// The most bytes of 256 columns.
pub(super) const MAX_BLOCK_BYTES: usize = 512;

/// How far ahead of the product weights are asked for, into the second cache: what measured best.
pub(super) const AHEAD: usize = 8192;

/// `high` and `low` of a code.
#[inline(always)]
fn split(code: i16) -> (i8, i8) {
    // For `0 <= n < 65535`, `(n + 1 + n / 256) / 256` is `n / 255`.
    let n = (i32::from(code) + 32512) as u32;
    let high = ((n + 1 + (n >> 8)) >> 8) as i32 - 127;
    (high as i8, (i32::from(code) - 255 * high) as i8)
}

/// Arranges the blocks of activations for the packing `P`.
struct Arrange<'a, P: Int16Packing> {
    x: &'a Int16Rows,
    blocks: &'a mut Vec<ActivationBlock<P>>,
}

impl<P: Int16Packing> Kernel for Arrange<'_, P> {
    type Output = ();

    #[inline(always)]
    fn run<V: Vector>(self, _: Simd<V>) {
        for (codes, &scale) in self.x.codes().as_chunks::<BLOCK>().0.iter().zip(self.x.scales()) {
            let (mut high, mut low) = ([0; BLOCK], [0; BLOCK]);
            for i in 0..BLOCK {
                (high[i], low[i]) = split(codes[i]);
            }
            let mut planes = [Planes { high: [0; BYTES], low: [0; BYTES] }; BLOCK / BYTES];
            for (v, planes) in planes.iter_mut().enumerate() {
                for i in 0..BYTES {
                    let column = P::column(BYTES * v + i);
                    planes.high[i] = high[column];
                    planes.low[i] = low[column];
                }
            }
            self.blocks.push(ActivationBlock { planes, sums: P::sums(codes, &high, &low), scale });
        }
    }
}

/// The product with 16-bit activations for every token of `x`; `y` is `[tokens][rows]`.
///
/// # Panics
/// If the activations have another number of columns than the matrix, or `y` has another length.
pub(crate) fn product<P: Int16Packing>(cpu: &Machine, x: &Int16Rows, matrix: &Packed<P>, y: &mut [Output]) {
    let (rows, cols) = (matrix.rows(), matrix.cols());
    assert_eq!(x.stride(), cols.next_multiple_of(BLOCK), "columns of the activations");
    assert_eq!(y.len(), x.rows() * rows, "one output for each token and row");
    if y.is_empty() {
        return;
    }
    let least_rows = LEAST_PRODUCTS / (x.rows() * cols);
    let y = match cpu.isa().words().filter(|_| x.rows() > 1) {
        Some(with_words) => match P::in_words(matrix, InWords { cpu, with_words, x, y, least_rows }) {
            Some(InWords { y, .. }) => y,
            None => return,
        },
        None => y,
    };
    let mut blocks = Vec::with_capacity(x.scales().len());
    cpu.isa().run(Arrange::<P> { x, blocks: &mut blocks });
    cpu.for_column_chunks(y, rows, 1, least_rows, |first_row, outputs| {
        cpu.isa().run(RowsTimesTokens { matrix, blocks: &blocks, first_row, outputs });
    });
}

/// The outputs of some rows, for all tokens.
struct RowsTimesTokens<'a, P: Int16Packing> {
    matrix: &'a Packed<P>,
    /// The activations, block after block of one token after the other.
    blocks: &'a [ActivationBlock<P>],
    first_row: usize,
    /// For each token, the outputs of the rows from `first_row`.
    outputs: ColumnsMut<'a, Output>,
}

impl<P: Int16Packing> Kernel for RowsTimesTokens<'_, P> {
    type Output = ();

    #[inline(always)]
    fn run<V: Vector>(self, simd: Simd<V>) {
        let RowsTimesTokens { matrix, blocks, first_row, mut outputs } = self;
        let integers = V::integers(simd);
        let (rows, of_token) = (outputs.width(), blocks.len() / outputs.rows());
        let panel = (PANEL_BYTES / matrix.row_bytes()).max(1);
        for first in (0..rows).step_by(panel) {
            let panel = first..rows.min(first + panel);
            let mut token = 0;
            while token < outputs.rows() {
                let x = &blocks[token * of_token..];
                let tokens = outputs.of_rows(token..outputs.rows());
                token += match tokens.rows() {
                    TOKENS.. if const { <V::Integers as Integers>::Floats::MANY_REGISTERS } => {
                        multiply_panel::<_, P, TOKENS>(integers, (matrix, first_row), panel.clone(), x, tokens)
                    }
                    2.. => multiply_panel::<_, P, 2>(integers, (matrix, first_row), panel.clone(), x, tokens),
                    _ => multiply_panel::<_, P, 1>(integers, (matrix, first_row), panel.clone(), x, tokens),
                };
            }
        }
    }
}

/// Writes the outputs of the rows `panel`, counted from row `first_row` of the matrix, for the first `T` tokens.
/// Returns `T`.
#[inline(always)]
fn multiply_panel<I: Integers, P: Int16Packing, const T: usize>(
    integers: I,
    (matrix, first_row): (&Packed<P>, usize),
    panel: Range<usize>,
    blocks: &[ActivationBlock<P>],
    mut outputs: ColumnsMut<'_, Output>,
) -> usize {
    let of_token = matrix.cols().div_ceil(BLOCK);
    let mut x: [&[ActivationBlock<P>]; T] = [&[]; T];
    for (t, x) in x.iter_mut().enumerate() {
        *x = &blocks[t * of_token..][..of_token];
    }
    for row in panel {
        let sums = dot::<_, P, T>(integers, matrix.row(first_row + row), x);
        for (t, sum) in sums.into_iter().enumerate() {
            outputs.row(t)[row].put(sum * matrix.multiplier());
        }
    }
    T
}

/// Whole steps: the end of a row, then zeros.
#[inline(always)]
pub(super) fn whole_steps<'a, P: Int16Packing>(end: &[u8], padded: &'a mut [u8; MAX_BLOCK_BYTES]) -> &'a [u8] {
    padded[..end.len()].copy_from_slice(end);
    &padded[..end.len().next_multiple_of(P::STEP_BYTES)]
}

/// The dot products of a row with the activations of some tokens.
#[inline(always)]
fn dot<I: Integers, P: Int16Packing, const T: usize>(
    integers: I,
    row: &[u8],
    x: [&[ActivationBlock<P>]; T],
) -> [f32; T] {
    let floats = integers.floats();
    let mut acc = [floats.splat(0.0); T];
    let block_bytes = const { BLOCK / P::BLOCK * P::BLOCK_BYTES };
    let blocks = row.chunks_exact(block_bytes);
    let (whole, end) = (blocks.len(), blocks.remainder());
    for (b, weights) in blocks.enumerate() {
        // Weights of this row or of the next, which follow in memory.
        prefetch_far_lines(weights.as_ptr().wrapping_add(AHEAD), block_bytes);
        add_block(integers, weights, &x, b, &mut acc);
    }
    if !end.is_empty() {
        add_block(integers, whole_steps::<P>(end, &mut [0; MAX_BLOCK_BYTES]), &x, whole, &mut acc);
    }
    let mut sums = [0.0; T];
    for t in 0..T {
        sums[t] = floats.sum(acc[t]);
    }
    sums
}

/// Adds the products of up to 256 columns, block `b` of the activations, to the lanes of each token.
#[inline(always)]
fn add_block<I: Integers, P: Int16Packing, const T: usize>(
    integers: I,
    steps: &[u8],
    x: &[&[ActivationBlock<P>]; T],
    b: usize,
    acc: &mut [<I::Floats as Floats>::F32x16; T],
) {
    let floats = integers.floats();
    let mut blocks = [&x[0][b]; T];
    for t in 1..T {
        blocks[t] = &x[t][b];
    }
    let parts = P::multiply(integers, steps, blocks);
    for t in 0..T {
        acc[t] = floats.add(acc[t], floats.mul(parts[t], floats.splat(blocks[t].scale)));
    }
}
