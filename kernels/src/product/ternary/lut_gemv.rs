//! A copy of a ternary matrix for products of few tokens: three codes in five bits, read as they lie.
//!
//! The 27 values of three codes are indices of a table with the sums of three activations
//! ([`lut_gemm`](super::lut_gemm)). A word of sixteen bits holds three such *fields* and a bit of a fourth, so that
//! five words hold sixteen: 1.67 bits for a code, against 2 of I2_S and 1.6 of the bytes of TQ1_0. No field is
//! unpacked: the lookup takes the low five bits of a word, whatever is above. A field thus costs a lookup and an
//! addition, and two of three a shift, where the digits of TQ1_0 cost more operations than the products they serve.
//!
//! # Layout
//!
//! Rows are cut into panels of 64, and columns into blocks of 256. A block of a panel has [`WORDS`] words of each row
//! in groups of five, the last of two. A group has its words of 32 rows, a line for each word, and then those of the
//! other 32: what is read together lies together, and is read in the order of memory.
//!
//! * Field `4 q + i` of a block has the columns `12 q + i`, `12 q + 4 + i` and `12 q + 8 + i`, so that four
//!   neighbouring activations make four tables; the four columns after 252 are two fields ([`spread`]).
//! * Field `16 g + 3 j + p`, `p < 3`, has the bits from `5 p` on of word `5 g + j`; field `16 g + 15` has the highest
//!   bits of the words `5 g..5 g + 5`, the first as its highest.
//! * Row `r` of a line is word `2 r` of it, or word `2 (r - 16) + 1` from 16 on: where
//!   [`Lookups::accumulate_words`](crate::simd::Lookups::accumulate_words) keeps the order of rows.
//!
//! What belongs here: the layout, and how it is made. What does not: the product ([`gemv`]).

mod gemv;
mod tables;

use alloc::sync::Arc;
use alloc::vec::Vec;

use super::Terms;
use super::cache_line::CacheLine;
use super::terms::TILE;
use crate::activations::BLOCK;
use crate::machine::Machine;
use crate::machine::huge_pages::HugePages;
use crate::machine::outputs::Output;
use crate::packing::{Coded, Packed, Scales, ZERO_CODE};
use crate::simd::WithLookups;

/// Up to this many tokens the copy is read, once for each: as many as the kernel for few tokens takes of I2_S.
pub(super) const MOST_TOKENS: usize = 6;

/// Lines that a word of all rows of a panel takes: 32 rows in each.
const LINES: usize = 2;

/// Rows of a panel.
const ROWS: usize = 2 * TILE * LINES;

/// Fields of a block, three codes each.
const FIELDS: usize = BLOCK.div_ceil(3);

/// Words of a group, the last of a block aside, which has two.
const GROUP_WORDS: usize = 5;

/// Fields of a group: three in each word, and one in the bits above them.
const GROUP: usize = 3 * GROUP_WORDS + 1;

/// Words of a block of a row.
const WORDS: usize = 27;

/// Columns of a block with those that [`spread`] adds: four fields at a time have twelve.
const WIDE: usize = FIELDS.next_multiple_of(4) * 3;

/// Weights that are worth a thread: some tens of microseconds of packing.
const LEAST_WEIGHTS: usize = 1 << 16;

/// Every field has a place: sixteen in five words, and three in each word that is left.
const _: () = assert!(WORDS % GROUP_WORDS == 2 && WORDS / GROUP_WORDS * GROUP + 6 == FIELDS);

/// A copy of a ternary matrix that has one scale. Clones share it.
#[derive(Debug, Clone)]
pub(crate) struct Triples {
    lines: Arc<HugePages<CacheLine>>,
    blocks: usize,
}

impl Triples {
    /// The copy of `matrix`, made in parallel; `None` where its blocks have several scales, or there is no memory.
    pub(crate) fn new<P: Coded>(cpu: &Machine, matrix: &Packed<P>) -> Option<Triples> {
        if matrix.shared() == Scales::Blocks {
            return None;
        }
        let blocks = matrix.cols().div_ceil(BLOCK);
        let lines_of_panel = blocks * WORDS * LINES;
        let mut lines = HugePages::zeros(matrix.rows().div_ceil(ROWS) * lines_of_panel)?;
        let mut panels: Vec<_> = lines.chunks_exact_mut(lines_of_panel).collect();
        cpu.for_each_by(&mut panels, LEAST_WEIGHTS.div_ceil(ROWS * matrix.cols()), |panel, lines| {
            let mut codes = vec![ZERO_CODE; blocks * BLOCK];
            for (place, row) in (panel * ROWS..(panel + 1) * ROWS).enumerate() {
                let codes_of_row = &mut codes[..matrix.cols()];
                if row < matrix.rows() {
                    matrix.row_codes(row, codes_of_row);
                } else {
                    codes_of_row.fill(ZERO_CODE);
                }
                put_row(&codes, place, lines);
            }
        });
        Some(Triples { lines: Arc::new(lines), blocks })
    }

    /// Bytes of the copy.
    pub(crate) fn bytes(&self) -> usize {
        size_of_val::<[CacheLine]>(&self.lines)
    }

    /// `y[token, row]` for every token of `terms` and each of `rows` rows of the matrix, as [`super::product`].
    ///
    /// # Panics
    /// If the dimensions are not those of the matrix.
    pub(super) fn product(
        &self,
        cpu: &Machine,
        lookups: WithLookups,
        terms: &Terms<'_>,
        (y, rows): (&mut [Output], usize),
        least_rows: usize,
    ) {
        assert_eq!(terms.stride(), self.blocks * BLOCK, "columns of the activations");
        assert_eq!(rows.div_ceil(ROWS) * self.blocks * WORDS * LINES, self.lines.len(), "rows of the copy");
        cpu.for_column_chunks(y, rows, ROWS, least_rows, |first_row, outputs| {
            lookups.run(gemv::Gemv { triples: self, terms, first_row, outputs });
        });
    }

    /// The lines of the panel that starts with row `row`.
    #[inline(always)]
    fn panel(&self, row: usize) -> &[CacheLine] {
        let lines = self.blocks * WORDS * LINES;
        &self.lines[row / ROWS * lines..][..lines]
    }
}

/// A block of columns in which every field of three has a place: columns that are not there are `none`.
#[inline(always)]
fn spread<T: Copy>(block: &[T; BLOCK], none: T) -> [T; WIDE] {
    const WHOLE: usize = BLOCK / 12 * 12;
    let mut wide = [none; WIDE];
    wide[..WHOLE].copy_from_slice(&block[..WHOLE]);
    // Of the last four fields two are used, with two columns each.
    for i in 0..2 {
        wide[WHOLE + i] = block[WHOLE + 2 * i];
        wide[WHOLE + 4 + i] = block[WHOLE + 2 * i + 1];
    }
    wide
}

/// Writes the codes of a row, whole blocks of them, to row `place` of a panel.
fn put_row(codes: &[u8], place: usize, lines: &mut [CacheLine]) {
    let line = place / (2 * TILE);
    let at = 2 * (place % TILE) + place / TILE % 2;
    let (codes, _) = codes.as_chunks::<BLOCK>();
    for (codes, lines) in codes.iter().zip(lines.chunks_exact_mut(WORDS * LINES)) {
        for (w, word) in words(&fields(codes)).into_iter().enumerate() {
            let first = w / GROUP_WORDS * GROUP_WORDS;
            let in_group = GROUP_WORDS.min(WORDS - first);
            lines[first * LINES + line * in_group + w % GROUP_WORDS].words_mut()[at] = word;
        }
    }
}

/// The fields of a block: `9 a + 3 b + c` of the codes of three columns each. The last two mean nothing.
fn fields(codes: &[u8; BLOCK]) -> [u8; WIDE / 3] {
    let mut fields = [0; WIDE / 3];
    let wide = spread(codes, ZERO_CODE);
    for (four, codes) in fields.as_chunks_mut::<4>().0.iter_mut().zip(wide.as_chunks::<12>().0) {
        for i in 0..4 {
            four[i] = 9 * codes[i] + 3 * codes[4 + i] + codes[8 + i];
        }
    }
    fields
}

/// The words that hold the fields of a block.
fn words(fields: &[u8; WIDE / 3]) -> [u16; WORDS] {
    let mut words = [0; WORDS];
    for (w, word) in words.iter_mut().enumerate() {
        let (group, j) = (w / GROUP_WORDS, w % GROUP_WORDS);
        let first = GROUP * group + 3 * j;
        for p in 0..3 {
            *word |= u16::from(fields[first + p]) << (5 * p);
        }
        if group < WORDS / GROUP_WORDS {
            *word |= u16::from(fields[GROUP * group + GROUP - 1]) >> (GROUP_WORDS - 1 - j) << 15;
        }
    }
    words
}
