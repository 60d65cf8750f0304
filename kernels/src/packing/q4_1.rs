//! Q4_1: blocks of 32 four-bit codes with a scale and a minimum.

use super::{BlockFault, Packing, PackingError};
use crate::arch::floats::{Floats, Portable, widen_f16};
use crate::dense::DensePacking;

/// 32 elements in 20 bytes: f16 scale `d`, f16 minimum `m`, then 16 bytes; the low nibble of byte `j` is element `j`,
/// the high nibble element `j + 16`; `w = q d + m`, the product rounded to f32 before the sum.
#[derive(Debug, Clone, Copy)]
pub struct Q4_1;

/// The scale, the minimum and the code bytes of a block.
#[inline(always)]
fn parts(block: &[u8; 20]) -> ([u8; 2], [u8; 2], &[u8; 16]) {
    let [a, b, c, d, codes @ ..] = block;
    ([*a, *b], [*c, *d], codes)
}

impl Packing for Q4_1 {
    const NAME: &'static str = "q4_1";
    const BLOCK: usize = 32;
    const BLOCK_BYTES: usize = 20;
    type Shared = ();

    fn shared(_: &[u8], _: &[u8]) -> Result<(), PackingError> {
        Ok(())
    }

    fn find_fault(blocks: &[u8], (): ()) -> Option<(usize, BlockFault)> {
        blocks.as_chunks().0.iter().enumerate().find_map(|(index, block)| {
            let (scale, minimum, codes) = parts(block);
            let [scale, minimum] = [scale, minimum].map(|half| widen_f16(u16::from_le_bytes(half)));
            if !minimum.is_finite() {
                return Some((index, BlockFault::NotFinite { name: "minimum", found: minimum }));
            }
            let nibbles = || codes.iter().map(|byte| byte & 15).chain(codes.iter().map(|byte| byte >> 4));
            Some((index, BlockFault::of_scale(scale, || nibbles().position(|code| code != 0))?))
        })
    }

    fn decode(blocks: &[u8], (): (), out: &mut [f32]) {
        Self::decode_blocks(Portable, blocks, (), out);
    }
}

impl DensePacking for Q4_1 {
    #[inline(always)]
    fn decode_blocks<S: Floats>(floats: S, blocks: &[u8], _: (), out: &mut [f32]) {
        for ([low, high], block) in out.as_chunks_mut::<16>().0.as_chunks_mut().0.iter_mut().zip(blocks.as_chunks().0) {
            let (scale, minimum, codes) = parts(block);
            let (scale, minimum) = (floats.splat_f16(scale), floats.splat_f16(minimum));
            let (low_codes, high_codes) = (codes.map(|byte| (byte & 15) as i8), codes.map(|byte| (byte >> 4) as i8));
            floats.store(floats.add(floats.mul(floats.widen_i8(low_codes), scale), minimum), low);
            floats.store(floats.add(floats.mul(floats.widen_i8(high_codes), scale), minimum), high);
        }
    }
}
