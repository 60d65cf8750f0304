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

/// The four regions of a block.
struct Parts<'a> {
    low: &'a [u8],
    upper: &'a [u8],
    scales: &'a [u8],
    scale: f32,
}

#[inline(always)]
fn parts(block: &[u8; 210]) -> Parts<'_> {
    let scale = widen_f16(u16::from_le_bytes([block[208], block[209]]));
    Parts { low: &block[..128], upper: &block[128..192], scales: &block[192..208], scale }
}

/// Element `l` of quarter `k` of the half whose bytes are `low` and `upper`, zero at 0.
#[inline(always)]
fn code(low: &[u8], upper: &[u8], k: usize, l: usize) -> i8 {
    let nibble = low[l + 32 * (k % 2)] >> (4 * (k / 2)) & 15;
    let pair = upper[l] >> (2 * k) & 3;
    (nibble | pair << 4) as i8 - ZERO
}

/// The first element that a scale of zero would erase: its own scale is not zero, nor is its code's meaning. Quantizers
/// leave the codes of a group alone where the group's scale is zero, so those say nothing.
fn first_erased(parts: &Parts) -> Option<usize> {
    (0..256).find(|&element| {
        let (half, k, l) = (element / 128, element / 32 % 4, element % 32);
        let code = code(&parts.low[64 * half..64 * half + 64], &parts.upper[32 * half..32 * half + 32], k, l);
        parts.scales[element / 16] != 0 && code != 0
    })
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
            let parts = parts(block);
            Some((index, BlockFault::of_scale(parts.scale, || first_erased(&parts))?))
        })
    }

    fn decode(blocks: &[u8], (): (), out: &mut [f32]) {
        Self::decode_blocks(Portable, blocks, (), out);
    }
}

impl DensePacking for Q6K {
    #[inline(always)]
    fn decode_blocks<S: Floats>(_: S, blocks: &[u8], _: (), out: &mut [f32]) {
        for (out, block) in out.as_chunks_mut::<256>().0.iter_mut().zip(blocks.as_chunks().0) {
            let parts = parts(block);
            for (group, out) in out.as_chunks_mut::<16>().0.iter_mut().enumerate() {
                let (half, k, first) = (group / 8, group / 2 % 4, group % 2 * 16);
                let (low, upper) = (&parts.low[64 * half..64 * half + 64], &parts.upper[32 * half..32 * half + 32]);
                let scale = parts.scale * f32::from(parts.scales[group] as i8);
                for (l, out) in out.iter_mut().enumerate() {
                    *out = scale * f32::from(code(low, upper, k, first + l));
                }
            }
        }
    }
}
