//! The sums of three activations for each field of a block.

use alloc::vec::Vec;

use super::super::cache_line::CacheLine;
use super::{WIDE, spread};
use crate::activations::BLOCK;
use crate::machine::scratch::scratch;
use crate::simd::{Lookups, Simd};

/// Tables of a block of activations; the last two mean nothing.
pub(super) const TABLES: usize = WIDE / 3;

scratch! {
    /// The activations whose tables are in [`TABLES_OF_CODES`].
    static CODES: Vec<i8>;
}

scratch! {
    /// The tables of the last activations that the thread met.
    static TABLES_OF_CODES: Vec<CacheLine>;
}

/// The tables of whole blocks of activations, block after block.
///
/// Each thread makes its own, since those of another would come from that one's cache, line by line. It keeps them for
/// its next share of the product, and for other products of the same activations.
pub(super) struct Tables {
    codes: Vec<i8>,
    lines: Vec<CacheLine>,
}

impl Tables {
    /// Those of `codes`.
    #[inline(always)]
    pub(super) fn of<V: Lookups>(simd: Simd<V>, codes: &[i8]) -> Tables {
        let mut tables = Tables { codes: CODES.take(), lines: TABLES_OF_CODES.take() };
        if tables.codes != codes {
            tables.codes.clear();
            tables.codes.extend_from_slice(codes);
            tables.fill::<V>(simd);
        }
        tables
    }

    /// The tables of token `token` of activations that have `blocks` blocks each.
    #[inline(always)]
    pub(super) fn of_token(&self, token: usize, blocks: usize) -> &[CacheLine] {
        &self.lines[token * blocks * TABLES..][..blocks * TABLES]
    }

    /// Keeps the tables for the next product of the thread.
    pub(super) fn keep(self) {
        CODES.set(self.codes);
        TABLES_OF_CODES.set(self.lines);
    }

    /// Makes the tables of `self.codes`.
    #[inline(always)]
    fn fill<V: Lookups>(&mut self, simd: Simd<V>) {
        let (blocks, _) = self.codes.as_chunks::<BLOCK>();
        let count = blocks.len() * TABLES;
        if self.lines.len() < count {
            self.lines.resize(count, CacheLine::ZERO);
        }
        for (block, lines) in blocks.iter().zip(self.lines.chunks_exact_mut(TABLES)) {
            let wide = spread(block, 0);
            for (lines, x) in lines.as_chunks_mut::<4>().0.iter_mut().zip(wide.as_chunks::<12>().0) {
                let x = [[x[0], x[1], x[2], x[3]], [x[4], x[5], x[6], x[7]], [x[8], x[9], x[10], x[11]]];
                for (line, table) in lines.iter_mut().zip(V::tables(simd, x)) {
                    *line = CacheLine::of(table);
                }
            }
        }
    }
}
