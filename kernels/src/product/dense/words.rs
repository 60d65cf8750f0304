//! Products of quantized dense matrices with the 16-bit activations of several tokens: codes of weights become words
//! once, and each token's codes are multiplied with them as they are.
//!
//! What belongs here: activations for it, and the loops. What does not: the arithmetic, which is that of
//! [`super::int16`] in other steps (a sum of products of words is the sum that the products of bytes come to), and how
//! a packing becomes words ([`WordPacking`]).
//!
//! One token keeps to bytes: making words of weights takes as long as they save it.

use alloc::vec::Vec;
use core::ops::Range;

use super::int16::{AHEAD, MAX_BLOCK_BYTES, whole_steps};
use crate::activations::{BLOCK, Int16Rows};
use crate::machine::Machine;
use crate::machine::columns::ColumnsMut;
use crate::machine::outputs::Output;
use crate::packing::{Packed, WordBlock, WordPacking, WordVisitor};
use crate::simd::floats::{Floats, LANES};
use crate::simd::integers::{BYTES, Words};
use crate::simd::{WithWords, WordsKernel, prefetch_far_lines};

/// Rows whose sums wait for the next columns.
const ROWS: usize = 8;

/// The most tokens of a tile.
const TOKENS: usize = 8;

/// Blocks of activations that are worth a thread: some microseconds of work.
const LEAST_BLOCKS: usize = 32;

/// Blocks of 256 columns and a token, of 640 bytes each, that all rows of a tile meet before the next: they stay in the
/// first cache, of 32 KB and more, beside the sums of a tile and its weights, also where two threads share it.
const BLOCKS: usize = 16;

/// The product with words, for several tokens: of packings that have words, on instruction sets that multiply them.
pub(super) struct InWords<'a> {
    pub(super) cpu: &'a Machine,
    pub(super) with_words: WithWords,
    pub(super) x: &'a Int16Rows,
    /// `[tokens][rows]`
    pub(super) y: &'a mut [Output],
    /// Rows that are worth a thread.
    pub(super) least_rows: usize,
}

impl WordVisitor for InWords<'_> {
    fn visit<P: WordPacking>(self, matrix: &Packed<P>) {
        let InWords { cpu, with_words, x, y, least_rows } = self;
        let blocks = &arrange::<P>(cpu, x);
        cpu.for_column_chunks(y, matrix.rows(), 1, least_rows, |first_row, outputs| {
            with_words.run(WordsTimesTokens { matrix, blocks, first_row, outputs });
        });
    }
}

/// The activations of all tokens, block after block of one token after the other.
fn arrange<P: WordPacking>(cpu: &Machine, x: &Int16Rows) -> Vec<WordBlock> {
    // The column of each word, and the lane.
    let mut places = [(0_u8, 0_u8); BLOCK];
    for position in 0..BLOCK {
        let (vector, lane, byte) = (position / BYTES, position % BYTES / 4, position % 4);
        let word = BYTES * vector + byte % 2 * (BYTES / 2) + 2 * lane + byte / 2;
        places[word] = (P::word_column(position) as u8, lane as u8);
    }
    let mut blocks = vec![WordBlock::ZERO; x.scales().len()];
    cpu.for_each_by(&mut blocks, LEAST_BLOCKS, |index, block| {
        let codes = &x.codes().as_chunks::<BLOCK>().0[index];
        for (word, (column, lane)) in block.words.as_flattened_mut().iter_mut().zip(places) {
            *word = codes[usize::from(column)];
            block.sums[usize::from(lane) % LANES] -= P::WORD_OF_ZERO * i32::from(*word);
        }
        block.scale = x.scales()[index];
    });
    blocks
}

/// The outputs of some rows, for all tokens.
struct WordsTimesTokens<'a, P: WordPacking> {
    matrix: &'a Packed<P>,
    /// As [`arrange`] gives them.
    blocks: &'a [WordBlock],
    first_row: usize,
    /// For each token, the outputs of the rows from `first_row`.
    outputs: ColumnsMut<'a, Output>,
}

impl<P: WordPacking> WordsKernel for WordsTimesTokens<'_, P> {
    type Output = ();

    #[inline(always)]
    fn run<I: Words>(mut self, integers: I) {
        let (rows, tokens) = (self.outputs.width(), self.outputs.rows());
        for first in (0..rows).step_by(ROWS) {
            let rows = first..rows.min(first + ROWS);
            let mut token = 0;
            while token < tokens {
                // The sums of a block of all tokens are in registers.
                let many = I::Floats::MANY_REGISTERS;
                token += match tokens - token {
                    5.. if many => self.tile::<_, TOKENS>(integers, rows.clone(), token),
                    3.. => self.tile::<_, 4>(integers, rows.clone(), token),
                    _ => self.tile::<_, 2>(integers, rows.clone(), token),
                };
            }
        }
    }
}

impl<P: WordPacking> WordsTimesTokens<'_, P> {
    /// The outputs of up to [`ROWS`] rows for `T` tokens from `first_token` on, or as many as there are. Returns `T`.
    #[inline(always)]
    fn tile<I: Words, const T: usize>(&mut self, integers: I, rows: Range<usize>, first_token: usize) -> usize {
        let WordsTimesTokens { matrix, blocks, first_row, ref mut outputs } = *self;
        let floats = integers.floats();
        let (of_token, last) = (blocks.len() / outputs.rows(), outputs.rows() - 1);
        // Tokens beyond the last are the last: computed and dropped.
        let mut x: [&[WordBlock]; T] = [&[]; T];
        for (t, x) in x.iter_mut().enumerate() {
            *x = &blocks[(first_token + t).min(last) * of_token..][..of_token];
        }
        let mut acc = [[floats.splat(0.0); T]; ROWS];
        let at_once = const { BLOCKS / T };
        for start in (0..of_token).step_by(at_once) {
            let blocks = start..of_token.min(start + at_once);
            for (row, acc) in rows.clone().zip(&mut acc) {
                *acc = add_blocks::<I, P, T>(integers, matrix.row(first_row + row), &x, blocks.clone(), *acc);
            }
        }
        for (row, acc) in rows.zip(&acc) {
            for (token, acc) in (first_token..=last).zip(acc) {
                outputs.row(token)[row].put(floats.sum(P::in_order(integers, *acc)) * matrix.multiplier());
            }
        }
        T
    }
}

/// The accumulators with the products of some blocks of 256 columns added, the last of which may be shorter.
#[inline(always)]
fn add_blocks<I: Words, P: WordPacking, const T: usize>(
    integers: I,
    row: &[u8],
    x: &[&[WordBlock]; T],
    blocks: Range<usize>,
    mut acc: [<I::Floats as Floats>::F32x16; T],
) -> [<I::Floats as Floats>::F32x16; T] {
    let floats = integers.floats();
    let block_bytes = const { BLOCK / P::BLOCK * P::BLOCK_BYTES };
    let mut of_tokens: [&[WordBlock]; T] = [&[]; T];
    for (of_token, x) in of_tokens.iter_mut().zip(x) {
        *of_token = &x[blocks.clone()];
    }
    let mut padded = [0; MAX_BLOCK_BYTES];
    for (b, of_first) in of_tokens[0].iter().enumerate() {
        let at = (blocks.start + b) * block_bytes;
        // Weights of this row or of the next, which follow in memory.
        prefetch_far_lines(row.as_ptr().wrapping_add(at + AHEAD), block_bytes);
        let steps = match row.get(at..at + block_bytes) {
            Some(steps) => steps,
            None => whole_steps::<P>(&row[at..], &mut padded),
        };
        let mut of_block = [of_first; T];
        for t in 1..T {
            of_block[t] = &of_tokens[t][b];
        }
        let parts = P::multiply_words(integers, steps, of_block);
        for t in 0..T {
            acc[t] = floats.add(acc[t], floats.mul(parts[t], floats.splat(of_block[t].scale)));
        }
    }
    acc
}
