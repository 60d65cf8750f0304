//! What products with 16-bit activations need of a packing: its arithmetic within 256 columns, and activations in the
//! order that its codes meet them.
//!
//! What belongs here: the trait, and what it reads. What does not: the products ([`crate::product::dense`]).

use super::{Packed, Packing};
use crate::activations::BLOCK;
use crate::simd::floats::{Floats, LANES};
use crate::simd::integers::{BYTES, Integers, Words};

/// A quantized dense packing whose products take 16-bit activations.
pub(crate) trait Int16Packing: Packing {
    /// Bytes that [`Int16Packing::multiply`] takes in a step; a block of 256 columns is one step or more.
    const STEP_BYTES: usize;

    /// Sums of activations that stand for offsets and minima of the weights.
    type Sums: Copy + Send + Sync;

    /// The order in which activations meet the codes of weights, as 256 different columns.
    fn column(position: usize) -> usize;

    /// The sums of 256 activations, which are in the order of the columns.
    fn sums(codes: &[i16; BLOCK], high: &[i8; BLOCK], low: &[i8; BLOCK]) -> Self::Sums;

    /// `part` of the arithmetic of [`crate::product::dense`] for some steps of weights, whole ones, with each token's
    /// activations.
    fn multiply<I: Integers, const T: usize>(
        integers: I,
        steps: &[u8],
        x: [&ActivationBlock<Self>; T],
    ) -> [<I::Floats as Floats>::F32x16; T];

    /// Calls `visitor` with the matrix where the packing is a [`WordPacking`], else gives it back.
    fn in_words<W: WordVisitor>(_matrix: &Packed<Self>, visitor: W) -> Option<W> {
        Some(visitor)
    }
}

/// A packing whose weights become words for several tokens.
#[cfg_attr(not(all(feature = "simd", target_arch = "x86_64")), allow(dead_code, reason = "no set has words"))]
pub(crate) trait WordPacking: Int16Packing {
    /// The code that means zero, of weights as words.
    const WORD_OF_ZERO: i32;

    /// The order in which activations meet the words of weights, as [`Int16Packing::column`] for bytes.
    fn word_column(position: usize) -> usize {
        position
    }

    /// [`Int16Packing::multiply`] with words, where [`WordPacking::in_order`] gives the lanes.
    fn multiply_words<I: Words, const T: usize>(
        integers: I,
        steps: &[u8],
        x: [&WordBlock; T],
    ) -> [<I::Floats as Floats>::F32x16; T];

    /// The lanes of sums of [`WordPacking::multiply_words`] in the order of [`Int16Packing::multiply`].
    fn in_order<I: Words>(_integers: I, sums: <I::Floats as Floats>::F32x16) -> <I::Floats as Floats>::F32x16 {
        sums
    }
}

/// What is done with a matrix of a packing that has words.
pub(crate) trait WordVisitor {
    /// Does it.
    fn visit<P: WordPacking>(self, matrix: &Packed<P>);
}

/// 64 codes of activations as a kernel meets them.
#[derive(Clone, Copy)]
#[repr(C, align(64))]
pub(crate) struct Planes {
    /// `high` of the codes.
    pub(crate) high: [i8; BYTES],
    /// `low` of the codes.
    pub(crate) low: [i8; BYTES],
}

/// The activations of 256 columns.
#[derive(Clone, Copy)]
pub(crate) struct ActivationBlock<P: Int16Packing> {
    /// The codes, in the order of [`Int16Packing::column`].
    pub(crate) planes: [Planes; BLOCK / BYTES],
    /// Their sums.
    pub(crate) sums: P::Sums,
    /// Their scale.
    pub(crate) scale: f32,
}

/// The activations of 256 columns as words.
#[derive(Clone, Copy)]
#[repr(C, align(64))]
pub(crate) struct WordBlock {
    /// The codes, in the order of [`WordPacking::word_column`]: of each 64 bytes those that meet the even bytes, then
    /// those that meet the odd ones.
    pub(crate) words: [[i16; BYTES]; BLOCK / BYTES],
    /// What the lanes begin with: the sum of the codes of each times the code that means zero, negated.
    pub(crate) sums: [i32; LANES],
    /// The scale of the codes.
    pub(crate) scale: f32,
}

impl WordBlock {
    /// No activations.
    pub(crate) const ZERO: WordBlock = WordBlock { words: [[0; BYTES]; BLOCK / BYTES], sums: [0; LANES], scale: 0.0 };
}
