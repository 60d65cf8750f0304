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

/// The codes of a group of sixteen elements, less the code of zero.
#[inline(always)]
fn group_codes(block: &[u8; 210], group: usize) -> [i8; 16] {
    let (half, quarter, first) = (group / 8, group / 2 % 4, group % 2 * 16);
    let bytes = |start: usize| block[start..].first_chunk().expect("a block has sixteen bytes for each group");
    let low = bytes(64 * half + 32 * (quarter % 2) + first);
    let upper = bytes(128 + 32 * half + first);
    match quarter {
        0 => join::<0, 0>(low, upper),
        1 => join::<0, 2>(low, upper),
        2 => join::<4, 4>(low, upper),
        _ => join::<4, 6>(low, upper),
    }
}

/// Joins the nibble at bit `LOW` of each byte of `low` with the bit pair at bit `UPPER` of that of `upper`.
#[inline(always)]
fn join<const LOW: u32, const UPPER: u32>(low: &[u8; 16], upper: &[u8; 16]) -> [i8; 16] {
    let mut codes = [0; 16];
    for i in 0..16 {
        codes[i] = (low[i] >> LOW & 15 | (upper[i] >> UPPER & 3) << 4) as i8 - ZERO;
    }
    codes
}

/// The first element that a block scale of zero would erase: neither its group's scale nor its code means zero.
/// Quantizers leave any codes in a group whose scale is zero, so those say nothing.
fn first_erased(block: &[u8; 210]) -> Option<usize> {
    let group = (0..16).find(|&group| group_scale(block, group) != 0 && group_codes(block, group) != [0; 16])?;
    Some(16 * group + group_codes(block, group).iter().position(|&code| code != 0)?)
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
            for (group, out) in out.as_chunks_mut::<16>().0.iter_mut().enumerate() {
                let group_scale = floats.splat(f32::from(group_scale(block, group)));
                let scale = floats.mul(floats.splat_f16(block_scale(block)), group_scale);
                floats.store(floats.mul(scale, floats.from_i8(group_codes(block, group))), out);
            }
        }
    }
}
