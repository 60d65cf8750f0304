//! The activations of many tokens in the order that the tiles of a matrix product read them.
//!
//! What belongs here: how tokens are cut into tiles, and the layout of a tile. What does not: the product itself
//! ([`super::gemm`]).

use alloc::vec::Vec;

use super::gemm::STEP;
use super::terms::Terms;
use crate::arch::{Kernel, Vector};
use crate::cpu::Cpu;
use crate::kept::kept;

kept! {
    /// The memory of [`Activations`], which the next product of the thread uses again.
    static CODES: Vec<i8>;
}

/// Activations as tiles read them, `[tiles][cols / columns of a step][tokens of the tile][columns of a step]`.
///
/// All tiles have as many tokens but the last, which is filled up with anything.
pub(super) struct Activations {
    codes: Vec<i8>,
}

impl Activations {
    /// Lays out the activations of `terms`.
    pub(super) fn new(cpu: &Cpu, terms: &Terms<'_>) -> Self {
        let Shape { whole, last } = cpu.isa().run(ShapeOf { tokens: terms.tokens() });
        let padded = terms.tokens() / whole * whole + last;
        let mut codes = CODES.take();
        codes.resize(padded * terms.stride(), 0);
        let mut tiles: Vec<_> = codes.chunks_mut(whole * terms.stride()).collect();
        cpu.for_each(&mut tiles, |index, tile| cpu.isa().run(ArrangeTile { terms, first_token: index * whole, tile }));
        Activations { codes }
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

/// Tokens of tiles.
struct Shape {
    whole: usize,
    /// Of the tile for the tokens that are left; 0 where none is.
    last: usize,
}

/// The [`Shape`] of a product with this many tokens.
struct ShapeOf {
    tokens: usize,
}

impl Kernel for ShapeOf {
    type Output = Shape;
    const DOTS: bool = true;

    #[inline(always)]
    unsafe fn run<V: Vector>(self) -> Shape {
        let left = self.tokens % V::TOKENS;
        Shape { whole: V::TOKENS, last: if left == 0 { 0 } else { tile_tokens::<V>(left) } }
    }
}

/// Tokens of the tile that starts where `left` are left.
#[inline(always)]
pub(super) fn tile_tokens<V: Vector>(left: usize) -> usize {
    V::TOKENS.min(left.next_multiple_of(4))
}

/// Lays out the activations of a tile.
struct ArrangeTile<'a, 'b> {
    terms: &'a Terms<'a>,
    first_token: usize,
    /// As many as the tile has activations.
    tile: &'a mut &'b mut [i8],
}

impl Kernel for ArrangeTile<'_, '_> {
    type Output = ();
    const DOTS: bool = true;

    #[inline(always)]
    unsafe fn run<V: Vector>(self) {
        let ArrangeTile { terms, first_token, tile } = self;
        let tokens = tile.len() / terms.stride();
        let codes = terms.codes()[first_token * terms.stride()..].chunks_exact(terms.stride());
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
