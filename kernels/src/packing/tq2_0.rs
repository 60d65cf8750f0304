//! TQ2_0: four codes a byte, one f16 scale for 256 columns.

use typenum::{U66, U256};

use super::coded::coded_packing;
use super::{Coded, Groups256, MAX_FIELDS, Order, Section, Ternary};

coded_packing! {
    /// The packing of GGUF type 35: blocks of 256 codes in 64 bytes, least significant bits first, then the scale.
    Tq2_0, "tq2_0", U256, U66
}

#[diagnostic::do_not_recommend]
impl Ternary for Tq2_0 {}

impl Coded for Tq2_0 {
    type Group = Groups256;
    const SECTIONS: &'static [Section] = &[
        Section { offset: 0, bytes: 32, fields: 4, element: 0, order: Order::Planes },
        Section { offset: 32, bytes: 32, fields: 4, element: 128, order: Order::Planes },
    ];
    const SCALE_OFFSET: Option<usize> = Some(64);

    #[inline(always)]
    fn code(byte: u8, field: usize) -> u8 {
        pair(byte, field)
    }

    #[inline(always)]
    fn has_code_3(byte: u8) -> bool {
        has_pair_3(byte)
    }

    #[inline(always)]
    fn byte(codes: [u8; MAX_FIELDS]) -> u8 {
        byte_of_pairs(codes)
    }
}

/// Pair of bits `field` of a byte, from the lowest on.
#[inline(always)]
pub(super) fn pair(byte: u8, field: usize) -> u8 {
    byte >> (2 * field) & 3
}

/// Whether a pair of bits of a byte is 3.
#[inline(always)]
pub(super) fn has_pair_3(byte: u8) -> bool {
    byte & (byte >> 1) & 0x55 != 0
}

/// The byte of four pairs of bits, from the lowest on.
#[inline(always)]
pub(super) fn byte_of_pairs(codes: [u8; MAX_FIELDS]) -> u8 {
    codes[0] | codes[1] << 2 | codes[2] << 4 | codes[3] << 6
}
