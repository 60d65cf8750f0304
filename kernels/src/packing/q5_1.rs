//! Q5_1: blocks of 32 five-bit codes with a scale and a minimum.

use typenum::{U24, U32};

use super::nibbles;
use super::{ActivationBlock, BlockFault, DensePacking, Int16Packing, Packing, PackingError};
use crate::activations::BLOCK as COLUMNS;
use crate::simd::floats::{Floats, LANES, Portable, widen_f16};
use crate::simd::integers::Integers;

/// 32 elements in 24 bytes: f16 scale `d`, f16 minimum `m`, then 32 bits, then 16 bytes; the low nibble of byte `j` is
/// element `j`, the high nibble element `j + 16`, and bit `e` is the fifth bit of element `e`; `w = q d + m`, the
/// product rounded to f32 before the sum.
#[derive(Debug, Clone, Copy)]
pub struct Q5_1;

/// The scale, the minimum, the fifth bits and the nibbles of a block.
#[inline(always)]
fn parts(block: &[u8; 24]) -> ([u8; 2], [u8; 2], &[u8; 4], &[u8; 16]) {
    let ([a, b, c, d, fifth @ ..], nibbles) = block.split_first_chunk::<8>().expect("24 bytes");
    ([*a, *b], [*c, *d], fifth, nibbles.as_array().expect("the other 16 bytes"))
}

impl Packing for Q5_1 {
    const NAME: &'static str = "q5_1";
    type Columns = U32;
    type BlockBytes = U24;
    type Shared = ();

    fn shared(_: &[u8], _: &[u8]) -> Result<(), PackingError> {
        Ok(())
    }

    fn find_fault(blocks: &[u8], (): ()) -> Option<(usize, BlockFault)> {
        blocks.as_chunks().0.iter().enumerate().find_map(|(index, block)| {
            let (scale, minimum, fifth, codes) = parts(block);
            let [scale, minimum] = [scale, minimum].map(|half| widen_f16(u16::from_le_bytes(half)));
            let codes = || [0, 1].into_iter().flat_map(|half| nibbles::five_bits(codes, fifth, half));
            let first = || codes().position(|code| code != 0);
            Some((index, BlockFault::of_scale_and_minimum(scale, minimum, first)?))
        })
    }

    fn decode(blocks: &[u8], (): (), out: &mut [f32]) {
        Self::decode_units(Portable, blocks, (), out);
    }
}

impl DensePacking for Q5_1 {
    const UNIT: usize = Self::BLOCK;
    type Unit<'a, S: Floats> = (S::F32x16, S::F32x16, &'a [u8; 4], &'a [u8; 16]);

    #[inline(always)]
    fn unit<S: Floats>(floats: S, bytes: &[u8], (): ()) -> Self::Unit<'_, S> {
        let (scale, minimum, fifth, nibbles) = parts(&bytes.as_chunks().0[0]);
        (floats.splat_f16(scale), floats.splat_f16(minimum), fifth, nibbles)
    }

    #[inline(always)]
    fn vector<S: Floats>(floats: S, (scale, minimum, fifth, nibbles): &Self::Unit<'_, S>, index: usize) -> S::F32x16 {
        let values = nibbles::five_bits(nibbles, fifth, index);
        floats.add(floats.mul(floats.widen_i8(values), *scale), *minimum)
    }
}

/// Steps of 128 columns: lane `j` has the columns `4 (j % 4)..4 (j % 4) + 4` and the sixteen after them of block
/// `j / 4`, and adds `f32(sum of code * q) * d`, then `f32(sum of q) * m`.
impl Int16Packing for Q5_1 {
    const STEP_BYTES: usize = 4 * Self::BLOCK_BYTES;
    type Sums = [[f32; LANES]; 2];

    #[inline(always)]
    fn column(position: usize) -> usize {
        nibbles::column(position)
    }

    #[inline(always)]
    fn sums(codes: &[i16; COLUMNS], _: &[i8; COLUMNS], _: &[i8; COLUMNS]) -> [[f32; LANES]; 2] {
        nibbles::sums(codes, |sum| sum as f32)
    }

    #[inline(always)]
    fn multiply<I: Integers, const T: usize>(
        integers: I,
        steps: &[u8],
        x: [&ActivationBlock<Self>; T],
    ) -> [<I::Floats as Floats>::F32x16; T] {
        let mut parts = [integers.floats().splat(0.0); T];
        for (step, blocks) in steps.chunks_exact(Self::STEP_BYTES).enumerate() {
            let codes = nibbles::five_bits_of_step::<_, 24, 4, 8>(integers, blocks);
            let scales = integers.halves::<4, 24, 0>(blocks);
            let minima = integers.halves::<4, 24, 2>(blocks);
            nibbles::add_with_minima(integers, codes, (scales, minima), (x, step), &mut parts);
        }
        parts
    }
}
