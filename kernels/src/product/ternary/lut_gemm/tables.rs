//! Activations of a few tokens as tables of sums of three, beside those that are multiplied.
//!
//! What belongs here: their layout, and how it is filled. What does not: which columns they are ([`super::panel`]).

use super::super::cache_line::CacheLine;
use super::super::terms::Terms;
use super::panel::Steps;
use super::{BLOCK, LOOKUPS};
use crate::simd::{Lookups, Simd};

/// Tokens of a tile.
pub(super) const TOKENS: usize = 4;

/// A block of columns of [`TOKENS`] tokens.
pub(super) struct Tile<'a> {
    tables: [[CacheLine; LOOKUPS]; TOKENS],
    activations: [&'a [i8; BLOCK]; TOKENS],
}

impl<'a> Tile<'a> {
    /// A tile of zeros.
    pub(super) fn new() -> Self {
        Tile { tables: [[CacheLine::ZERO; LOOKUPS]; TOKENS], activations: [&[0; BLOCK]; TOKENS] }
    }

    /// The tables of each token, step by step.
    #[inline(always)]
    pub(super) fn tables(&self) -> *const CacheLine {
        self.tables.as_flattened().as_ptr()
    }

    /// The activations of each token, column by column.
    #[inline(always)]
    pub(super) fn activations(&self) -> &[&'a [i8; BLOCK]; TOKENS] {
        &self.activations
    }

    /// Takes block `block` of some tokens of `terms`.
    #[inline(always)]
    pub(super) fn fill<V: Lookups>(
        &mut self,
        simd: Simd<V>,
        terms: &Terms<'a>,
        steps: &Steps,
        tokens: [usize; TOKENS],
        block: usize,
    ) {
        for (token, row) in tokens.into_iter().enumerate() {
            let (blocks, _) = terms.codes()[row * terms.stride()..].as_chunks::<BLOCK>();
            let codes = &blocks[block];
            self.activations[token] = codes;
            let (quads, _) = self.tables[token].as_chunks_mut::<4>();
            for (lines, &[a, b, c]) in quads.iter_mut().zip(&steps.looked_up) {
                let tables = V::tables(simd, [four(codes, a), four(codes, b), four(codes, c)]);
                for (line, table) in lines.iter_mut().zip(tables) {
                    *line = CacheLine::of(table);
                }
            }
        }
    }
}

/// Four activations from column `first` on, which is at most `BLOCK - 4`: the minimum only spares checks.
#[inline(always)]
fn four(codes: &[i8; BLOCK], first: u8) -> [i8; 4] {
    let first = usize::from(first).min(BLOCK - 4);
    [codes[first], codes[first + 1], codes[first + 2], codes[first + 3]]
}
