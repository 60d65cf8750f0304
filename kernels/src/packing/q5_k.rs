//! Q5_K: blocks of 256 five-bit codes in eight sub-blocks, each with a scale and a minimum.

use typenum::{U176, U256};

use super::k_blocks::{self, HEAD, SubBlocks};
use super::{ActivationBlock, BlockFault, DensePacking, Int16Packing, Packing, PackingError};
use crate::activations::BLOCK as COLUMNS;
use crate::simd::floats::{Floats, Portable};
use crate::simd::integers::Integers;

/// 256 elements in 176 bytes: f16 `d`, f16 `dmin`, 12 bytes of scales and minima, 32 bytes of fifth bits, then 128
/// bytes of nibbles. `w = (d scale) q - dmin minimum`, in f32 in this order.
///
/// As [`Q4K`](super::Q4K), and the fifth bit of element `l` of sub-block `b` is bit `b` of byte `l` of the 32.
#[derive(Debug, Clone, Copy)]
pub struct Q5K;

/// The head of a block, its fifth bits and its nibbles.
#[inline(always)]
fn parts(block: &[u8; 176]) -> (&[u8; HEAD], &[u8; 32], &[u8; 128]) {
    let (head, rest) = block.split_first_chunk().expect("176 bytes");
    let (fifth, nibbles) = rest.split_first_chunk().expect("the other 160 bytes");
    (head, fifth, nibbles.as_array().expect("the last 128 bytes"))
}

/// The codes of a block, 0..=31.
#[inline(always)]
fn codes(fifth: &[u8; 32], nibbles: &[u8; 128]) -> [i8; COLUMNS] {
    let mut codes = [0; COLUMNS];
    let quarters = codes.as_chunks_mut::<64>().0.iter_mut().zip(nibbles.as_chunks::<32>().0);
    for (quarter, (codes, nibbles)) in quarters.enumerate() {
        for l in 0..32 {
            let bits = fifth[l] >> (2 * quarter);
            codes[l] = (nibbles[l] & 15 | (bits & 1) << 4) as i8;
            codes[l + 32] = (nibbles[l] >> 4 | (bits >> 1 & 1) << 4) as i8;
        }
    }
    codes
}

/// The fifth bits of the two quarters of `pair`, as [`Integers::six_bits`] takes upper bits.
#[inline(always)]
fn upper(fifth: &[u8; 32], pair: usize) -> [u8; 32] {
    let mut upper = [0; 32];
    for (upper, fifth) in upper.iter_mut().zip(fifth) {
        let bits = fifth >> (4 * pair);
        *upper = bits & 1 | bits & 4 | (bits & 2) << 3 | (bits & 8) << 3;
    }
    upper
}

impl Packing for Q5K {
    const NAME: &'static str = "q5_k";
    type Columns = U256;
    type BlockBytes = U176;
    type Shared = ();

    fn shared(_: &[u8], _: &[u8]) -> Result<(), PackingError> {
        Ok(())
    }

    fn find_fault(blocks: &[u8], (): ()) -> Option<(usize, BlockFault)> {
        blocks.as_chunks().0.iter().enumerate().find_map(|(index, block)| {
            let (head, fifth, nibbles) = parts(block);
            Some((index, k_blocks::find_fault(head, || codes(fifth, nibbles))?))
        })
    }

    fn decode(blocks: &[u8], (): (), out: &mut [f32]) {
        Self::decode_units(Portable, blocks, (), out);
    }
}

impl DensePacking for Q5K {
    const UNIT: usize = Self::BLOCK;
    type Unit<'a, S: Floats> = SubBlocks;

    #[inline(always)]
    fn unit<S: Floats>(floats: S, bytes: &[u8], (): ()) -> SubBlocks {
        let (head, fifth, nibbles) = parts(&bytes.as_chunks().0[0]);
        SubBlocks::new(floats, head, codes(fifth, nibbles))
    }

    #[inline(always)]
    fn vector<S: Floats>(floats: S, blocks: &SubBlocks, index: usize) -> S::F32x16 {
        blocks.vector(floats, index)
    }
}

/// [`k_blocks::multiply`] has the order of operations.
impl Int16Packing for Q5K {
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
        let (head, fifth, nibbles) = parts(&steps.as_chunks().0[0]);
        let codes =
            |pair: usize| integers.six_bits(integers.runs::<1, 64, 0>(&nibbles[64 * pair..]), &upper(fifth, pair));
        k_blocks::multiply(integers, head, [codes(0), codes(1)], x)
    }
}
