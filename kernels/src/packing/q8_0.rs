//! Q8_0: blocks of 32 signed bytes with one scale.

use half::f16;
use typenum::{U32, U34};

use super::{
    ActivationBlock, BlockFault, DensePacking, FromFloat, Int16Packing, Packed, Packing, PackingError, WordBlock,
    WordPacking, WordVisitor,
};
use crate::activations::BLOCK as COLUMNS;
use crate::simd::floats::{Floats, LANES, Portable, widen_f16};
use crate::simd::integers::{Integers, Words};

/// 32 elements in 34 bytes: f16 scale `d`, then 32 signed codes; `w = d q`.
#[derive(Debug, Clone, Copy)]
pub struct Q8_0;

/// The scale and the codes of a block.
#[inline(always)]
fn parts(block: &[u8; 34]) -> ([u8; 2], &[u8; 32]) {
    let [low, high, codes @ ..] = block;
    ([*low, *high], codes)
}

impl Packing for Q8_0 {
    const NAME: &'static str = "q8_0";
    type Columns = U32;
    type BlockBytes = U34;
    type Shared = ();

    fn shared(_: &[u8], _: &[u8]) -> Result<(), PackingError> {
        Ok(())
    }

    fn find_fault(blocks: &[u8], (): ()) -> Option<(usize, BlockFault)> {
        blocks.as_chunks().0.iter().enumerate().find_map(|(index, block)| {
            let (scale, codes) = parts(block);
            Some((
                index,
                BlockFault::of_scale(widen_f16(u16::from_le_bytes(scale)), || {
                    codes.iter().position(|&code| code != 0)
                })?,
            ))
        })
    }

    fn decode(blocks: &[u8], (): (), out: &mut [f32]) {
        Self::decode_units(Portable, blocks, (), out);
    }
}

impl DensePacking for Q8_0 {
    const UNIT: usize = Self::BLOCK;
    type Unit<'a, S: Floats> = (S::F32x16, &'a [u8; 32]);

    #[inline(always)]
    fn unit<S: Floats>(floats: S, bytes: &[u8], (): ()) -> Self::Unit<'_, S> {
        let (scale, codes) = parts(&bytes.as_chunks().0[0]);
        (floats.splat_f16(scale), codes)
    }

    #[inline(always)]
    fn vector<S: Floats>(floats: S, (scale, codes): &Self::Unit<'_, S>, index: usize) -> S::F32x16 {
        let mut values = [0; LANES];
        for (value, code) in values.iter_mut().zip(&codes[LANES * index..]) {
            *value = *code as i8;
        }
        floats.mul(*scale, floats.widen_i8(values))
    }
}

/// `d = max |x| / 127`, `q = round(x * (1 / d))` with halves away from zero, in f32.
///
/// Source: `quantize_row_q8_0_ref` of llama.cpp's `ggml-quants.c`.
impl FromFloat for Q8_0 {
    #[inline(always)]
    fn encode(values: &[f32], blocks: &mut [u8]) {
        for (values, block) in values.as_chunks::<32>().0.iter().zip(blocks.as_chunks_mut::<34>().0) {
            let mut largest = 0.0_f32;
            for value in values {
                largest = if value.abs() > largest { value.abs() } else { largest };
            }
            let scale = largest / 127.0;
            let half = f16::from_f32(scale);
            block[..2].copy_from_slice(&half.to_le_bytes());
            let inverse = if half == f16::ZERO { 0.0 } else { 1.0 / scale };
            for (code, value) in block[2..].iter_mut().zip(values) {
                let scaled = value * inverse;
                let whole = scaled as i32;
                let fraction = scaled - whole as f32;
                *code = (whole + i32::from(fraction >= 0.5) - i32::from(fraction <= -0.5)) as u8;
            }
        }
    }
}

/// Steps of 64 columns: lane `j` has the columns `4 j..4 j + 4` of each, and adds `f32(sum of code * q) * d`.
impl Int16Packing for Q8_0 {
    const STEP_BYTES: usize = 2 * Self::BLOCK_BYTES;
    type Sums = ();

    #[inline(always)]
    fn column(position: usize) -> usize {
        position
    }

    #[inline(always)]
    fn sums(_: &[i16; COLUMNS], _: &[i8; COLUMNS], _: &[i8; COLUMNS]) {}

    #[inline(always)]
    fn multiply<I: Integers, const T: usize>(
        integers: I,
        steps: &[u8],
        x: [&ActivationBlock<Self>; T],
    ) -> [<I::Floats as Floats>::F32x16; T] {
        let floats = integers.floats();
        let mut parts = [floats.splat(0.0); T];
        for (step, blocks) in steps.chunks_exact(Self::STEP_BYTES).enumerate() {
            let codes = integers.runs::<2, 34, 2>(blocks);
            let scales = integers.halves::<2, 34, 0>(blocks);
            for t in 0..T {
                let planes = &x[t].planes[step];
                let high = integers.dot_signed(codes, integers.load(&planes.high));
                let low = integers.dot_signed(codes, integers.load(&planes.low));
                let dots = integers.to_f32(integers.combine(high, low));
                parts[t] = floats.add(parts[t], floats.mul(dots, scales));
            }
        }
        parts
    }

    fn in_words<W: WordVisitor>(matrix: &Packed<Self>, visitor: W) -> Option<W> {
        visitor.visit(matrix);
        None
    }
}

impl WordPacking for Q8_0 {
    /// Codes are signed.
    const WORD_OF_ZERO: i32 = 0;

    #[inline(always)]
    fn multiply_words<I: Words, const T: usize>(
        integers: I,
        steps: &[u8],
        x: [&WordBlock; T],
    ) -> [<I::Floats as Floats>::F32x16; T] {
        let floats = integers.floats();
        let mut parts = [floats.splat(0.0); T];
        for (step, blocks) in steps.chunks_exact(Self::STEP_BYTES).enumerate() {
            let words = integers.words(integers.runs::<2, 34, 2>(blocks));
            let scales = integers.halves::<2, 34, 0>(blocks);
            for t in 0..T {
                let dots = integers.add_word_products(words, &x[t].words[step], integers.zero());
                parts[t] = floats.add(parts[t], floats.mul(integers.to_f32(dots), scales));
            }
        }
        parts
    }
}
