//! Rotary position embedding: the table of angles and the rotation of heads.

use crate::simd::floats::{FloatKernel, Floats};
use alloc::borrow::Cow;
use alloc::boxed::Box;
use alloc::vec::Vec;
use once_cell::race::OnceBox;

/// Which elements of a head rotate together, as models differ in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RopePairing {
    /// Element `i` with element `i + n/2`: GPT-NeoX, HF transformers, the `bitnet*` architectures.
    NeoX,
    /// Element `2i` with element `2i + 1`: the original paper, the `llama` architecture in GGUF files.
    Adjacent,
}

/// Frequencies and the cosines and sines of all positions, computed as positions come into use.
///
/// Angles are those of HF transformers, in f32: `angle = position * inverse`, `inverse = 1 / base^(2i/n)`, divided by
/// the factor of its pair where the file has factors. Cosine and sine of that f32 angle are rounded once, from f64.
/// They are those of `libm`, so that no C library takes part. The multiplier is applied in f32 after that.
#[derive(Debug)]
pub struct RopeTable {
    inverse: Box<[f32]>,
    multiplier: f32,
    blocks: Box<[OnceBox<Box<[f32]>>]>,
}

/// Positions that are computed together.
const BLOCK: usize = 64;

impl RopeTable {
    /// A table for `positions` positions and `2 * inverse.len()` rotated elements per head.
    pub(crate) fn new(inverse: Box<[f32]>, positions: usize) -> Self {
        let blocks = (0..positions.div_ceil(BLOCK)).map(|_| OnceBox::new()).collect();
        RopeTable { inverse, multiplier: 1.0, blocks }
    }

    /// A table for `positions` positions of heads in which the first `2 * factors.len()` elements rotate: pair `i` of
    /// position `p` turns by `p * base^(-2i / rotated) / factors[i]` radians.
    pub fn with_factors(base: f32, factors: &[f32], positions: usize) -> Self {
        RopeTable::new(inverse_frequencies(base, 2 * factors.len(), Some(factors)), positions)
    }

    /// The same table with every cosine and sine multiplied by `multiplier`.
    pub fn with_multiplier(self, multiplier: f32) -> Self {
        let positions = self.blocks.len() * BLOCK;
        RopeTable { multiplier, ..RopeTable::new(self.inverse, positions) }
    }

    /// The cosines of `position`, one for each pair, then the sines. Those of positions beyond the table are computed
    /// each time.
    pub(crate) fn angles(&self, position: usize) -> Cow<'_, [f32]> {
        let (pairs, first) = (self.inverse.len(), position / BLOCK * BLOCK);
        let within = position % BLOCK * 2 * pairs..(position % BLOCK + 1) * 2 * pairs;
        match self.blocks.get(position / BLOCK) {
            Some(block) => Cow::Borrowed(&block.get_or_init(|| Box::new(self.block(first)))[within]),
            None => Cow::Owned(self.block(first)[within].to_vec()),
        }
    }

    fn block(&self, first: usize) -> Box<[f32]> {
        let mut block = Vec::with_capacity(BLOCK * 2 * self.inverse.len());
        for position in first..first + BLOCK {
            let angles = self.inverse.iter().map(|inverse| f64::from(position as f32 * inverse));
            block.extend(angles.clone().map(|angle| libm::cos(angle) as f32 * self.multiplier));
            block.extend(angles.map(|angle| libm::sin(angle) as f32 * self.multiplier));
        }
        block.into()
    }
}

/// `1 / base^(2i/n)` for `i < n/2`, in f32, divided by `factors[i]` where given.
pub(crate) fn inverse_frequencies(base: f32, n: usize, factors: Option<&[f32]>) -> Box<[f32]> {
    let frequency = |i: usize| {
        let exponent = (2 * i) as f32 / n as f32;
        1.0 / libm::pow(f64::from(base), f64::from(exponent)) as f32
    };
    match factors {
        None => (0..n / 2).map(frequency).collect(),
        Some(factors) => (0..n / 2).map(|i| frequency(i) / factors[i]).collect(),
    }
}

/// Rotates every head of one token in place: `(a, b) -> (a cos - b sin, b cos + a sin)`, in f32.
///
/// `heads` holds heads of `head_dim` elements; the first `2 * cos.len()` elements of each rotate. Whichever elements
/// are a pair, the rotated ones of pair `i` are written to `i` and `i + cos.len()`.
pub(crate) struct Rotate<'a> {
    pub(crate) heads: &'a mut [f32],
    pub(crate) head_dim: usize,
    pub(crate) pairing: RopePairing,
    pub(crate) cos: &'a [f32],
    pub(crate) sin: &'a [f32],
}

impl FloatKernel for Rotate<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Floats>(self, _: S) {
        let pairs = self.cos.len();
        let angles = || self.cos.iter().zip(self.sin);
        let mut halves = vec![0.0; if self.pairing == RopePairing::Adjacent { 2 * pairs } else { 0 }];
        for head in self.heads.chunks_exact_mut(self.head_dim) {
            let head = &mut head[..2 * pairs];
            match self.pairing {
                RopePairing::NeoX => {
                    let (a, b) = head.split_at_mut(pairs);
                    a.iter_mut().zip(b).zip(angles()).for_each(|((a, b), (c, s))| rotate(a, b, *c, *s));
                }
                RopePairing::Adjacent => {
                    let (a, b) = halves.split_at_mut(pairs);
                    for (((a, b), [x, y]), (c, s)) in a.iter_mut().zip(b).zip(head.as_chunks::<2>().0).zip(angles()) {
                        (*a, *b) = (*x, *y);
                        rotate(a, b, *c, *s);
                    }
                    head.copy_from_slice(&halves);
                }
            }
        }
    }
}

#[inline(always)]
fn rotate(a: &mut f32, b: &mut f32, cos: f32, sin: f32) {
    (*a, *b) = (*a * cos - *b * sin, *b * cos + *a * sin);
}
