//! The activations of many tokens in the order that the tiles of a matrix product read them.
//!
//! What belongs here: how tokens are cut into tiles, and the layout of a tile. What does not: the product itself
//! ([`super::gemm`]).

use alloc::vec::Vec;

use super::gemm::STEP;
use super::terms::Terms;
use crate::machine::Machine;
use crate::machine::scratch::scratch;
use crate::simd::{Kernel, Simd, Vector};

scratch! {
    /// The memory of [`Activations`], which the next product of the thread uses again.
    static CODES: Vec<i8>;
}

/// Activations as tiles read them, `[tiles][cols / columns of a step][tokens of the tile][columns of a step]`.
///
/// Tiles have as many tokens as [`tile_tokens`] says, the last one filled up with anything.
pub(super) struct Activations {
    codes: Vec<i8>,
    /// For each segment and token the sum of the codes, negated, and the scale, `[tiles][segments][tokens of the
    /// tile]`; none where all columns are one segment.
    minus_sums: Vec<i32>,
    factors: Vec<f32>,
    segments: usize,
}

impl Activations {
    /// Lays out the activations of `terms`.
    pub(super) fn new(cpu: &Machine, terms: &Terms<'_>) -> Self {
        let tile_widths = cpu.isa().run(Widths { tokens: terms.tokens() });
        let mut codes = CODES.take();
        codes.resize(tile_widths.iter().sum::<usize>() * terms.stride(), 0);
        let (mut rest, mut first_token, mut tiles) = (&mut codes[..], 0, Vec::with_capacity(tile_widths.len()));
        for &width in &tile_widths {
            let (tile, others) = rest.split_at_mut(width * terms.stride());
            tiles.push((first_token, tile));
            (rest, first_token) = (others, first_token + width);
        }
        cpu.for_each(&mut tiles, |_, (first_token, tile)| {
            cpu.isa().run(ArrangeTile { terms, first_token: *first_token, tile });
        });
        let segments = if terms.has_one_factor() { 0 } else { terms.segments() };
        let mut activations = Activations { codes, minus_sums: Vec::new(), factors: Vec::new(), segments };
        activations.take_terms(terms, &tile_widths);
        activations
    }

    /// Gathers the sums and the scales of all tiles; those of tokens beyond the last are the last.
    fn take_terms(&mut self, terms: &Terms<'_>, widths: &[usize]) {
        let mut first = 0;
        for width in widths {
            for segment in 0..self.segments {
                for token in first..first + width {
                    let (sum, factor) = terms.sum_and_factor(token.min(terms.tokens() - 1), segment);
                    self.minus_sums.push(-sum);
                    self.factors.push(factor);
                }
            }
            first += width;
        }
    }

    /// The negated sums of a tile of `tokens` tokens from `first_token` on, and its scales, `[segments][tokens]`.
    #[inline(always)]
    pub(super) fn terms(&self, first_token: usize, tokens: usize) -> (&[i32], &[f32]) {
        let of_tile = first_token * self.segments..(first_token + tokens) * self.segments;
        (&self.minus_sums[of_tile.clone()], &self.factors[of_tile])
    }

    /// The activations of a tile of `tokens` tokens from `first_token` on.
    #[inline(always)]
    pub(super) fn tile(&self, terms: &Terms<'_>, first_token: usize, tokens: usize) -> &[i8] {
        &self.codes[first_token * terms.stride()..][..tokens * terms.stride()]
    }
}

impl Drop for Activations {
    fn drop(&mut self) {
        CODES.set(core::mem::take(&mut self.codes));
    }
}

/// The tokens of each tile of a product with this many.
struct Widths {
    tokens: usize,
}

impl Kernel for Widths {
    type Output = Vec<usize>;
    const DOTS: bool = true;

    #[inline(always)]
    fn run<V: Vector>(self, _: Simd<V>) -> Vec<usize> {
        let (mut widths, mut token) = (Vec::with_capacity(self.tokens.div_ceil(4)), 0);
        while token < self.tokens {
            widths.push(tile_tokens::<V>(self.tokens - token));
            token += widths[widths.len() - 1];
        }
        widths
    }
}

/// Tokens of the tile that starts where `left` are left: what fills the registers. Two tiles of eight are faster than
/// one of twelve and one of four, whose few sums wait for one another.
#[inline(always)]
pub(super) fn tile_tokens<V: Vector>(left: usize) -> usize {
    match left {
        13..=16 if V::TOKENS == 12 => 8,
        _ => V::TOKENS.min(left.next_multiple_of(4)),
    }
}

/// Lays out the activations of a tile.
struct ArrangeTile<'a> {
    terms: &'a Terms<'a>,
    first_token: usize,
    /// As many as the tile has activations.
    tile: &'a mut [i8],
}

impl Kernel for ArrangeTile<'_> {
    type Output = ();
    const DOTS: bool = true;

    #[inline(always)]
    fn run<V: Vector>(self, _: Simd<V>) {
        let ArrangeTile { terms, first_token, tile } = self;
        let tokens = tile.len() / terms.stride();
        let codes = terms.in_order()[first_token * terms.stride()..].chunks_exact(terms.stride());
        for (token, codes) in codes.take(tokens).enumerate() {
            match V::STEPS {
                1 => interleave::<STEP>(codes, tile, token, tokens),
                _ => interleave::<{ 2 * STEP }>(codes, tile, token, tokens),
            }
        }
    }
}

/// Writes the activations of token `token` of a tile of `tokens`, `COLUMNS` at a time.
#[inline(always)]
fn interleave<const COLUMNS: usize>(codes: &[i8], tile: &mut [i8], token: usize, tokens: usize) {
    let (codes, _) = codes.as_chunks::<COLUMNS>();
    let (tile, _) = tile.as_chunks_mut::<COLUMNS>();
    for (codes, step) in codes.iter().zip(tile.chunks_exact_mut(tokens)) {
        step[token] = *codes;
    }
}
