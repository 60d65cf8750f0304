//! Q4_0: blocks of 32 four-bit codes with one scale.

use super::{BlockFault, Packing, PackingError};
use crate::arch::floats::{Floats, Portable, widen_f16};
use crate::dense::DensePacking;

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
    const BLOCK: usize = 32;
    const BLOCK_BYTES: usize = 18;
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
        Self::decode_blocks(Portable, blocks, (), out);
    }
}

impl DensePacking for Q4_0 {
    #[inline(always)]
    fn decode_blocks<S: Floats>(floats: S, blocks: &[u8], _: (), out: &mut [f32]) {
        for ([low, high], block) in out.as_chunks_mut::<16>().0.as_chunks_mut().0.iter_mut().zip(blocks.as_chunks().0) {
            let (scale, codes) = parts(block);
            let scale = floats.splat_f16(scale);
            let low_codes = codes.map(|byte| (byte & 15) as i8 - ZERO as i8);
            let high_codes = codes.map(|byte| (byte >> 4) as i8 - ZERO as i8);
            floats.store(floats.mul(scale, floats.widen_i8(low_codes)), low);
            floats.store(floats.mul(scale, floats.widen_i8(high_codes)), high);
        }
    }
}
