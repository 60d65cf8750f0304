//! Q8_0: blocks of 32 signed bytes with one scale.

use super::{BlockFault, Packing, PackingError};
use crate::arch::floats::{Floats, Portable, widen_f16};
use crate::dense::DensePacking;

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
    const BLOCK: usize = 32;
    const BLOCK_BYTES: usize = 34;
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
        Self::decode_blocks(Portable, blocks, (), out);
    }
}

impl DensePacking for Q8_0 {
    #[inline(always)]
    fn decode_blocks<S: Floats>(floats: S, blocks: &[u8], _: (), out: &mut [f32]) {
        for (out, block) in out.as_chunks_mut::<32>().0.iter_mut().zip(blocks.as_chunks().0) {
            let (scale, codes) = parts(block);
            let scale = floats.splat_f16(scale);
            for (out, codes) in out.as_chunks_mut().0.iter_mut().zip(codes.as_chunks().0) {
                let codes = floats.widen_i8(codes.map(|code: u8| code as i8));
                floats.store(floats.mul(scale, codes), out);
            }
        }
    }
}
