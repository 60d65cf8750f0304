//! The product for few tokens: every field of a panel finds its sum. A panel is read for each token, from a cache after
//! the first.

use super::super::Terms;
use super::super::cache_line::{CacheLine, LINE};
use super::super::terms::TILE;
use super::tables::{TABLES, Tables};
use super::{FIELDS, GROUP, GROUP_WORDS, LINES, ROWS, Triples, WORDS};
use crate::machine::columns::ColumnsMut;
use crate::machine::outputs::Output;
use crate::simd::{LookupKernel, Lookups, Simd, Vector, prefetch, prefetch_far};

/// Bytes from what is read to what is asked for from memory.
const FAR: usize = 12_288;

/// Bytes from what is read to what is asked for from the second cache.
const NEAR: usize = 4096;

/// Groups of fields whose sums a word holds.
const RUN: usize = 2;

const _: () = assert!(RUN * GROUP * 3 * 2 * 128 <= i16::MAX as usize);

/// The groups between one widening of the sums and the next; the last has the fields after the last group as well.
const RUNS: [usize; 3] = [RUN, RUN, WORDS / GROUP_WORDS - 2 * RUN];

const _: () = assert!((RUNS[2] * GROUP + FIELDS % GROUP) * 3 * 2 * 128 <= i16::MAX as usize);

/// Sums of the rows of a panel, a line of rows in two vectors.
type Sums<V> = [[<V as Vector>::Sums; 2]; LINES];

/// The product of some rows with all tokens.
pub(super) struct Gemv<'a> {
    pub(super) triples: &'a Triples,
    pub(super) terms: &'a Terms<'a>,
    /// The first row, which starts a panel.
    pub(super) first_row: usize,
    /// For each token, the outputs of the rows from `first_row` on.
    pub(super) outputs: ColumnsMut<'a, Output>,
}

impl LookupKernel for Gemv<'_> {
    type Output = ();

    #[inline(always)]
    fn run<V: Lookups>(self, simd: Simd<V>) {
        let Gemv { triples, terms, first_row, mut outputs } = self;
        let tables = Tables::of::<V>(simd, terms.codes());
        let rows = outputs.width();
        let factors = terms.weight_factor().expect("a copy is of a matrix with one scale");
        let blocks = triples.blocks / terms.segments();
        for first in (0..rows).step_by(ROWS) {
            let lines = triples.panel(first_row + first);
            for token in 0..terms.tokens() {
                let tables = tables.of_token(token, triples.blocks);
                let mut acc = [0.0; ROWS];
                let segments = lines.chunks_exact(blocks * WORDS * LINES).zip(tables.chunks_exact(blocks * TABLES));
                for (segment, (lines, tables)) in segments.enumerate() {
                    let dots = dot_rows::<V>(simd, lines, tables);
                    terms.add_segment(&mut acc, &dots, &[factors; ROWS], token, segment);
                }
                terms.finish(&acc, token, &mut outputs.row(token)[first..rows.min(first + ROWS)]);
            }
        }
        tables.keep();
    }
}

/// The sums of code times activation over some blocks of a panel.
#[inline(always)]
fn dot_rows<V: Lookups>(simd: Simd<V>, lines: &[CacheLine], tables: &[CacheLine]) -> [i32; ROWS] {
    assert!(V::LANES == TILE, "vectors of {TILE} rows");
    let (lines, _) = lines.as_chunks::<{ WORDS * LINES }>();
    let (tables, _) = tables.as_chunks::<TABLES>();
    let mut sums = [[V::zero_sums(simd); 2]; LINES];
    for (lines, tables) in lines.iter().zip(tables) {
        add_block::<V>(simd, lines, tables, &mut sums);
    }
    let mut dots = [[0; TILE]; 2 * LINES];
    for (dots, sums) in dots.iter_mut().zip(sums.as_flattened()) {
        *dots = V::lanes(*sums);
    }
    bytemuck::cast(dots)
}

/// Adds the sums of a block.
#[inline(always)]
fn add_block<V: Lookups>(
    simd: Simd<V>,
    lines: &[CacheLine; WORDS * LINES],
    tables: &[CacheLine; TABLES],
    sums: &mut Sums<V>,
) {
    const { assert!(4 * V::LANES == LINE, "a vector of a line") };
    // SAFETY: vectors are lines by the assertion. The runs have all groups of a block, and the words and fields after
    // them: all lines, and the first `FIELDS` tables.
    unsafe {
        let zero = V::load(simd, CacheLine::ZERO.as_ptr());
        let (mut words, mut tables) = (lines.as_ptr(), tables.as_ptr());
        for (run, groups) in RUNS.into_iter().enumerate() {
            let mut found = [zero; LINES];
            for _ in 0..groups {
                for found in &mut found {
                    let mut last = zero;
                    for word in 0..GROUP_WORDS {
                        add_word(simd, words.add(word), tables.add(3 * word), found, &mut last);
                    }
                    let table = V::load(simd, tables.add(GROUP - 1).cast());
                    *found = found.add_words(table.look_up(last.shift_words::<5>()));
                    words = words.add(GROUP_WORDS);
                }
                tables = tables.add(GROUP);
            }
            if run + 1 == RUNS.len() {
                for found in &mut found {
                    for word in 0..WORDS % GROUP_WORDS {
                        add_word(simd, words.add(word), tables.add(3 * word), found, &mut { zero });
                    }
                    words = words.add(WORDS % GROUP_WORDS);
                }
            }
            for (sums, found) in sums.iter_mut().zip(found) {
                *sums = found.accumulate_words(*sums);
            }
        }
    }
}

/// Adds what the three fields of a word of each row find, and appends the bit above them to `last`.
///
/// # Safety
/// `words` is readable for a line, and `tables` for three tables.
#[inline(always)]
unsafe fn add_word<V: Lookups>(
    simd: Simd<V>,
    words: *const CacheLine,
    tables: *const CacheLine,
    sums: &mut V,
    last: &mut V,
) {
    // SAFETY: the caller vouches for the lines, which vectors are no longer than.
    unsafe {
        let words = words.cast::<u8>();
        prefetch_far(words.wrapping_add(FAR));
        prefetch(words.wrapping_add(NEAR));
        let word = V::load(simd, words);
        let third = word.shift_words::<10>();
        *sums = sums.add_words(V::load(simd, tables.cast()).look_up(word));
        *sums = sums.add_words(V::load(simd, tables.add(1).cast()).look_up(word.shift_words::<5>()));
        *sums = sums.add_words(V::load(simd, tables.add(2).cast()).look_up(third));
        *last = last.append_bit(third);
    }
}
