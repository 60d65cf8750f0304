//! Q6_K: blocks of 256 six-bit codes, sixteen scales of eight bits and one scale over them.

use super::{BlockFault, Packing, PackingError};
use crate::arch::floats::{Floats, Portable, widen_f16};
use crate::dense::DensePacking;

/// 256 elements in 210 bytes: 128 bytes of low nibbles, 64 bytes of upper bit pairs, 16 signed scales, f16 `d`.
/// Element `e` takes scale `e / 16`; `w = (d scale) (q - 32)`, in f32 in this order.
///
/// Elements come in halves of 128, and those in quarters of 32: element `l` of quarter `k` has its low nibble in byte
/// `l + 32 (k % 2)` of the half's 64 (low nibble for `k < 2`, else high), its upper bits in bits `2k`, `2k + 1` of byte
/// `l` of the half's 32.
#[derive(Debug, Clone, Copy)]
pub struct Q6K;

/// The code of zero.
const ZERO: i8 = 32;

/// The f16 scale over the scales of the groups.
#[inline(always)]
fn block_scale(block: &[u8; 210]) -> [u8; 2] {
    [block[208], block[209]]
}

/// The scale of a group of sixteen elements, as stored.
#[inline(always)]
fn group_scale(block: &[u8; 210], group: usize) -> i8 {
    block[192 + group] as i8
}

/// The codes of a block, 0..=63.
#[inline(always)]
fn codes(block: &[u8; 210]) -> [i8; 256] {
    let mut codes = [0; 256];
    let (low, upper) = (block[..128].as_chunks::<64>().0, block[128..192].as_chunks::<32>().0);
    for ((codes, low), upper) in codes.as_chunks_mut::<128>().0.iter_mut().zip(low).zip(upper) {
        for l in 0..32 {
            let (a, b, pairs) = (low[l], low[l + 32], upper[l]);
            codes[l] = (a & 15 | (pairs & 3) << 4) as i8;
            codes[l + 32] = (b & 15 | (pairs >> 2 & 3) << 4) as i8;
            codes[l + 64] = (a >> 4 | (pairs >> 4 & 3) << 4) as i8;
            codes[l + 96] = (b >> 4 | pairs >> 6 << 4) as i8;
        }
    }
    codes
}

/// The first element that a block scale of zero would erase: neither its group's scale nor its code means zero.
/// Quantizers leave any codes in a group whose scale is zero, so those say nothing.
fn first_erased(block: &[u8; 210]) -> Option<usize> {
    let codes = codes(block);
    (0..256).find(|&element| group_scale(block, element / 16) != 0 && codes[element] != ZERO)
}

impl Packing for Q6K {
    const NAME: &'static str = "q6_k";
    const BLOCK: usize = 256;
    const BLOCK_BYTES: usize = 210;
    type Shared = ();

    fn shared(_: &[u8], _: &[u8]) -> Result<(), PackingError> {
        Ok(())
    }

    fn find_fault(blocks: &[u8], (): ()) -> Option<(usize, BlockFault)> {
        blocks.as_chunks().0.iter().enumerate().find_map(|(index, block)| {
            Some((
                index,
                BlockFault::of_scale(widen_f16(u16::from_le_bytes(block_scale(block))), || first_erased(block))?,
            ))
        })
    }

    fn decode(blocks: &[u8], (): (), out: &mut [f32]) {
        Self::decode_blocks(Portable, blocks, (), out);
    }
}

impl DensePacking for Q6K {
    #[inline(always)]
    fn decode_blocks<S: Floats>(floats: S, blocks: &[u8], _: (), out: &mut [f32]) {
        for (out, block) in out.as_chunks_mut::<256>().0.iter_mut().zip(blocks.as_chunks().0) {
            let block_scale = floats.splat_f16(block_scale(block));
            let codes = codes(block);
            for (group, (out, codes)) in out.as_chunks_mut().0.iter_mut().zip(codes.as_chunks().0).enumerate() {
                let scale = floats.mul(block_scale, floats.splat(f32::from(group_scale(block, group))));
                let codes = floats.add(floats.widen_i8(*codes), floats.splat(f32::from(-ZERO)));
                floats.store(floats.mul(scale, codes), out);
            }
        }
    }
}
