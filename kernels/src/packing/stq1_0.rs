//! Blocks of STQ1_0: of each group of four weights one is zero.
//!
//! What belongs here: how codes and scale lie in a block. What does not: whole matrices ([`super::layouts`]).
//!
//! Source: `block_stq1_0` and `dequantize_row_stq1_0` of llama.cpp's pull request 22836; "Sherry" of Tencent's
//! AngelSlim.

use super::ZERO_CODE;
use crate::simd::floats::widen_f16;

/// Columns of a block.
pub(super) const COLUMNS: usize = 256;

/// Bytes of a block: nibbles of 64 groups, their signs, and the scale.
pub(super) const BYTES: usize = NIBBLES + SIGNS + 2;

const NIBBLES: usize = 32;
const SIGNS: usize = 8;

/// Columns between those of a group.
const STRIDE: usize = 16;

/// The scale of a block.
pub(super) fn scale(block: &[u8]) -> f32 {
    widen_f16(u16::from_le_bytes([block[BYTES - 2], block[BYTES - 1]]))
}

/// The codes of a block.
pub(super) fn codes(block: &[u8], out: &mut [u8]) {
    for group in 0..COLUMNS / 4 {
        let slot = block[group / 2] >> (4 * (group % 2)) & 15;
        let sign = block[NIBBLES + group / 8] >> (group % 8) & 1;
        let first = 4 * STRIDE * (group / STRIDE) + group % STRIDE;
        for (lane, code) in group_codes(slot, sign).into_iter().enumerate() {
            out[first + STRIDE * lane] = code;
        }
    }
}

/// The codes of a group. The lane of the zero is in the high bits of `slot`. The first of the other lanes is positive,
/// the second negative where bit 0 of `slot` is set, the third where bit 1 is; `sign` turns all three.
fn group_codes(slot: u8, sign: u8) -> [u8; 4] {
    let mut negative = [0, slot & 1, slot >> 1 & 1].into_iter();
    let mut code = |lane: u8| match lane == slot >> 2 {
        true => ZERO_CODE,
        false => 2 * (1 ^ sign ^ negative.next().unwrap_or_default()),
    };
    [0, 1, 2, 3].map(&mut code)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Slots `5 g mod 16` and signs `floor(g / 3) mod 2` of the groups `g`.
    #[test]
    fn a_block_of_known_weights() {
        let mut block = [0x50, 0xfa, 0x94, 0x3e, 0xd8, 0x72, 0x1c, 0xb6].repeat(4);
        block.extend([0x38, 0x8e, 0xe3, 0x38, 0x8e, 0xe3, 0x38, 0x8e, 0x00, 0x3e]);
        let mut found = [9; COLUMNS];
        codes(&block, &mut found);
        let first = "0++---+0+-0-+0+-+0++0+++++-0++0++-0+-0--0--++-+0++-0--0-+0++0+-+";
        let expected: Vec<u8> = first
            .bytes()
            .map(|sign| [b'-', b'0', b'+'].iter().position(|s| *s == sign))
            .map(|c| c.unwrap() as u8)
            .collect();
        assert_eq!(found[..64], expected[..]);
        assert_eq!((block.len(), scale(&block)), (BYTES, 1.5));
        // Every column is of one group, and every group has one zero.
        assert_eq!(found.iter().filter(|code| **code == ZERO_CODE).count(), 64);
        assert!(found.iter().all(|code| *code < 3));
    }
}
