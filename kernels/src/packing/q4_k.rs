//! Q4_K: blocks of 256 four-bit codes in eight sub-blocks, each with a scale and a minimum.

use typenum::{U144, U256};

use super::k_blocks::{self, HEAD, SubBlocks};
use super::{ActivationBlock, BlockFault, DensePacking, Int16Packing, Packing, PackingError};
use crate::activations::BLOCK as COLUMNS;
use crate::simd::floats::{Floats, Portable};
use crate::simd::integers::Integers;

/// 256 elements in 144 bytes: f16 `d`, f16 `dmin`, 12 bytes of scales and minima, then 128 bytes of nibbles.
/// `w = (d scale) q - dmin minimum`, in f32 in this order.
///
/// Elements come in quarters of 64: element `l < 32` of a quarter is the low nibble of byte `l` of its 32, element
/// `l + 32` the high nibble. Each 32 elements have a scale and a minimum of six bits.
#[derive(Debug, Clone, Copy)]
pub struct Q4K;

/// The head of a block and its nibbles.
#[inline(always)]
fn parts(block: &[u8; 144]) -> (&[u8; HEAD], &[u8; 128]) {
    let (head, nibbles) = block.split_first_chunk().expect("144 bytes");
    (head, nibbles.as_array().expect("the other 128 bytes"))
}

/// The codes of a block, 0..=15.
#[inline(always)]
fn codes(nibbles: &[u8; 128]) -> [i8; COLUMNS] {
    let mut codes = [0; COLUMNS];
    for (codes, nibbles) in codes.as_chunks_mut::<64>().0.iter_mut().zip(nibbles.as_chunks::<32>().0) {
        for l in 0..32 {
            codes[l] = (nibbles[l] & 15) as i8;
            codes[l + 32] = (nibbles[l] >> 4) as i8;
        }
    }
    codes
}

impl Packing for Q4K {
    const NAME: &'static str = "q4_k";
    type Columns = U256;
    type BlockBytes = U144;
    type Shared = ();

    fn shared(_: &[u8], _: &[u8]) -> Result<(), PackingError> {
        Ok(())
    }

    fn find_fault(blocks: &[u8], (): ()) -> Option<(usize, BlockFault)> {
        blocks.as_chunks().0.iter().enumerate().find_map(|(index, block)| {
            let (head, nibbles) = parts(block);
            Some((index, k_blocks::find_fault(head, || codes(nibbles))?))
        })
    }

    fn decode(blocks: &[u8], (): (), out: &mut [f32]) {
        Self::decode_units(Portable, blocks, (), out);
    }
}

impl DensePacking for Q4K {
    const UNIT: usize = Self::BLOCK;
    type Unit<'a, S: Floats> = SubBlocks;

    #[inline(always)]
    fn unit<S: Floats>(floats: S, bytes: &[u8], (): ()) -> SubBlocks {
        let (head, nibbles) = parts(&bytes.as_chunks().0[0]);
        SubBlocks::new(floats, head, codes(nibbles))
    }

    #[inline(always)]
    fn vector<S: Floats>(floats: S, blocks: &SubBlocks, index: usize) -> S::F32x16 {
        blocks.vector(floats, index)
    }
}

/// [`k_blocks::multiply`] has the order of operations.
impl Int16Packing for Q4K {
    const STEP_BYTES: usize = Self::BLOCK_BYTES;
    type Sums = k_blocks::Sums;

    #[inline(always)]
    fn column(position: usize) -> usize {
        k_blocks::column(position)
    }

    #[inline(always)]
    fn sums(_: &[i16; COLUMNS], high: &[i8; COLUMNS], low: &[i8; COLUMNS]) -> k_blocks::Sums {
        k_blocks::sums(high, low)
    }

    #[inline(always)]
    fn multiply<I: Integers, const T: usize>(
        integers: I,
        steps: &[u8],
        x: [&ActivationBlock<Self>; T],
    ) -> [<I::Floats as Floats>::F32x16; T] {
        let (head, nibbles) = parts(&steps.as_chunks().0[0]);
        let codes = |pair: usize| integers.nibbles(integers.runs::<1, 64, 0>(&nibbles[64 * pair..]));
        k_blocks::multiply(integers, head, [codes(0), codes(1)], x)
    }
}
