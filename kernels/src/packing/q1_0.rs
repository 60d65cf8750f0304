//! Q1_0: eight signs a byte, one f16 scale for 128 columns.
//!
//! Source: `block_q1_0` and `dequantize_row_q1_0` of llama.cpp v0.5.0.

use typenum::{U18, U128};

use super::coded::coded_packing;
use super::{Binary, Coded, Fields, Groups128, MAX_FIELDS, Order, Section};

coded_packing! {
    /// The packing of GGUF type 41: an f16 scale, then 128 bits in 16 bytes, eight neighbouring columns in each, the
    /// first in the lowest bit. A bit that is set means the scale, one that is not means the scale negated.
    Q1_0, "q1_0", U128, U18
}

#[diagnostic::do_not_recommend]
impl Binary for Q1_0 {}

impl Coded for Q1_0 {
    type Group = Groups128;
    type Fields = Signs;
    const SECTIONS: &'static [Section] =
        &[Section { offset: 2, bytes: 16, fields: 8, element: 0, order: Order::Bytes }];
    const SCALE_OFFSET: Option<usize> = Some(0);
    const HAS_ZERO: bool = false;
    const MAGNITUDES: bool = true;
}

/// Eight bits, the first lowest; one that is set is the code 2, another the code 0.
#[derive(Debug)]
pub struct Signs;

impl Fields for Signs {
    #[inline(always)]
    fn code(byte: u8, field: usize) -> u8 {
        (byte >> field & 1) << 1
    }

    #[inline(always)]
    fn byte(codes: [u8; MAX_FIELDS]) -> u8 {
        codes.iter().rev().fold(0, |byte, code| byte << 1 | code >> 1)
    }
}
