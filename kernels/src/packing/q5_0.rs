//! Q5_0: blocks of 32 five-bit codes with one scale.

use typenum::{U22, U32};

use super::nibbles;
use super::{ActivationBlock, BlockFault, DensePacking, Int16Packing, Packing, PackingError};
use crate::activations::BLOCK as COLUMNS;
use crate::simd::floats::{Floats, LANES, Portable, widen_f16};
use crate::simd::integers::Integers;

/// 32 elements in 22 bytes: f16 scale `d`, then 32 bits, then 16 bytes; the low nibble of byte `j` is element `j`, the
/// high nibble element `j + 16`, and bit `e` is the fifth bit of element `e`; `w = (q - 16) d`.
#[derive(Debug, Clone, Copy)]
pub struct Q5_0;

/// The code of zero.
const ZERO: i8 = 16;

/// The scale, the fifth bits and the nibbles of a block.
#[inline(always)]
fn parts(block: &[u8; 22]) -> ([u8; 2], &[u8; 4], &[u8; 16]) {
    let ([a, b, fifth @ ..], nibbles) = block.split_first_chunk::<6>().expect("22 bytes");
    ([*a, *b], fifth, nibbles.as_array().expect("the other 16 bytes"))
}

impl Packing for Q5_0 {
    const NAME: &'static str = "q5_0";
    type Columns = U32;
    type BlockBytes = U22;
    type Shared = ();

    fn shared(_: &[u8], _: &[u8]) -> Result<(), PackingError> {
        Ok(())
    }

    fn find_fault(blocks: &[u8], (): ()) -> Option<(usize, BlockFault)> {
        blocks.as_chunks().0.iter().enumerate().find_map(|(index, block)| {
            let (scale, fifth, codes) = parts(block);
            let codes = || [0, 1].into_iter().flat_map(|half| nibbles::five_bits(codes, fifth, half));
            let scale = widen_f16(u16::from_le_bytes(scale));
            Some((index, BlockFault::of_scale(scale, || codes().position(|code| code != ZERO))?))
        })
    }

    fn decode(blocks: &[u8], (): (), out: &mut [f32]) {
        Self::decode_units(Portable, blocks, (), out);
    }
}

impl DensePacking for Q5_0 {
    const UNIT: usize = Self::BLOCK;
    type Unit<'a, S: Floats> = (S::F32x16, &'a [u8; 4], &'a [u8; 16]);

    #[inline(always)]
    fn unit<S: Floats>(floats: S, bytes: &[u8], (): ()) -> Self::Unit<'_, S> {
        let (scale, fifth, nibbles) = parts(&bytes.as_chunks().0[0]);
        (floats.splat_f16(scale), fifth, nibbles)
    }

    #[inline(always)]
    fn vector<S: Floats>(floats: S, (scale, fifth, nibbles): &Self::Unit<'_, S>, index: usize) -> S::F32x16 {
        let mut values = nibbles::five_bits(nibbles, fifth, index);
        for value in &mut values {
            *value -= ZERO;
        }
        floats.mul(*scale, floats.widen_i8(values))
    }
}

/// Steps of 128 columns: lane `j` has the columns `4 (j % 4)..4 (j % 4) + 4` and the sixteen after them of block
/// `j / 4`, and adds `f32(sum of (code - 16) * q) * d`.
impl Int16Packing for Q5_0 {
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
            let codes = nibbles::five_bits_of_step::<_, 22, 2, 6>(integers, blocks);
            let scales = integers.halves::<4, 22, 0>(blocks);
            nibbles::add_centred(integers, codes, scales, (x, step), &mut parts);
        }
        parts
    }
}
