//! Q4_0: blocks of 32 four-bit codes with one scale.

use half::f16;
use typenum::{U18, U32};

use super::nibbles;
use super::{ActivationBlock, BlockFault, DensePacking, FromFloat, Int16Packing, Packing, PackingError};
use crate::activations::BLOCK as COLUMNS;
use crate::simd::floats::{Floats, LANES, Portable, widen_f16};
use crate::simd::integers::Integers;

/// 32 elements in 18 bytes: f16 scale `d`, then 16 bytes; the low nibble of byte `j` is element `j`, the high nibble
/// element `j + 16`; `w = (q - 8) d`.
#[derive(Debug, Clone, Copy)]
pub struct Q4_0;

/// The code of zero.
const ZERO: u8 = 8;

/// The scale and the code bytes of a block.
#[inline(always)]
fn parts(block: &[u8; 18]) -> ([u8; 2], &[u8; 16]) {
    let [low, high, codes @ ..] = block;
    ([*low, *high], codes)
}

impl Packing for Q4_0 {
    const NAME: &'static str = "q4_0";
    type Columns = U32;
    type BlockBytes = U18;
    type Shared = ();

    fn shared(_: &[u8], _: &[u8]) -> Result<(), PackingError> {
        Ok(())
    }

    fn find_fault(blocks: &[u8], (): ()) -> Option<(usize, BlockFault)> {
        blocks.as_chunks().0.iter().enumerate().find_map(|(index, block)| {
            let (scale, codes) = parts(block);
            let nibbles = || codes.iter().map(|byte| byte & 15).chain(codes.iter().map(|byte| byte >> 4));
            Some((
                index,
                BlockFault::of_scale(widen_f16(u16::from_le_bytes(scale)), || nibbles().position(|code| code != ZERO))?,
            ))
        })
    }

    fn decode(blocks: &[u8], (): (), out: &mut [f32]) {
        Self::decode_units(Portable, blocks, (), out);
    }
}

impl DensePacking for Q4_0 {
    const UNIT: usize = Self::BLOCK;
    type Unit<'a, S: Floats> = (S::F32x16, &'a [u8; 16]);

    #[inline(always)]
    fn unit<S: Floats>(floats: S, bytes: &[u8], (): ()) -> Self::Unit<'_, S> {
        let (scale, codes) = parts(&bytes.as_chunks().0[0]);
        (floats.splat_f16(scale), codes)
    }

    #[inline(always)]
    fn vector<S: Floats>(floats: S, (scale, codes): &Self::Unit<'_, S>, index: usize) -> S::F32x16 {
        let mut values = [0; 16];
        for (value, byte) in values.iter_mut().zip(*codes) {
            *value = (byte >> (4 * index) & 15) as i8 - ZERO as i8;
        }
        floats.mul(*scale, floats.widen_i8(values))
    }
}

/// `d = m / -8` with `m` the value of largest magnitude (the first of equals), `q = min(trunc(x * (1 / d) + 8.5), 15)`,
/// in f32, nothing fused.
///
/// Source: `quantize_row_q4_0_ref` of llama.cpp's `ggml-quants.c`; `Q4_0.quantize_blocks` of the `gguf` package.
impl FromFloat for Q4_0 {
    #[inline(always)]
    fn encode(values: &[f32], blocks: &mut [u8]) {
        for (values, block) in values.as_chunks::<32>().0.iter().zip(blocks.as_chunks_mut::<18>().0) {
            let mut largest = values[0];
            for &value in values {
                largest = if value.abs() > largest.abs() { value } else { largest };
            }
            let scale = largest / -8.0;
            let half = f16::from_f32(scale);
            block[..2].copy_from_slice(&half.to_le_bytes());
            let inverse = if half == f16::ZERO { 0.0 } else { 1.0 / scale };
            let (low, high) = values.split_at(16);
            for ((byte, low), high) in block[2..].iter_mut().zip(low).zip(high) {
                let [low, high] = [low * inverse + 8.5, high * inverse + 8.5];
                *byte = (low as i32).min(15) as u8 | ((high as i32).min(15) as u8) << 4;
            }
        }
    }
}

/// Steps of 128 columns: lane `j` has the columns `4 (j % 4)..4 (j % 4) + 4` and the sixteen after them of block
/// `j / 4`, and adds `f32(sum of (code - 8) * q) * d`.
impl Int16Packing for Q4_0 {
    const STEP_BYTES: usize = 4 * Self::BLOCK_BYTES;
    type Sums = [[i32; LANES]; 2];

    #[inline(always)]
    fn column(position: usize) -> usize {
        nibbles::column(position)
    }

    #[inline(always)]
    fn sums(codes: &[i16; COLUMNS], _: &[i8; COLUMNS], _: &[i8; COLUMNS]) -> [[i32; LANES]; 2] {
        nibbles::sums(codes, |sum| i32::from(ZERO) * sum)
    }

    #[inline(always)]
    fn multiply<I: Integers, const T: usize>(
        integers: I,
        steps: &[u8],
        x: [&ActivationBlock<Self>; T],
    ) -> [<I::Floats as Floats>::F32x16; T] {
        let mut parts = [integers.floats().splat(0.0); T];
        for (step, blocks) in steps.chunks_exact(Self::STEP_BYTES).enumerate() {
            let codes = integers.nibbles(integers.runs::<4, 18, 2>(blocks));
            let scales = integers.halves::<4, 18, 0>(blocks);
            nibbles::add_centred(integers, codes, scales, (x, step), &mut parts);
        }
        parts
    }
}
