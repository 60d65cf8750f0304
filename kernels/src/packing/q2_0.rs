//! Q2_0: four codes a byte, one f16 scale for 64 columns.
//!
//! Source: `block_q2_0` and `dequantize_row_q2_0` of llama.cpp v0.5.0.

use typenum::{U18, U64};

use super::coded::coded_packing;
use super::tq2_0::{byte_of_pairs, has_pair_3, pair};
use super::{Coded, EachBlock, MAX_FIELDS, Order, Section, Ternary};

coded_packing! {
    /// The packing of GGUF type 42: an f16 scale, then 64 codes in 16 bytes, four neighbouring columns in each, the first
    /// in the lowest bits. The code 3, which means twice the scale, is not ternary.
    Q2_0, "q2_0", U64, U18
}

impl Ternary for Q2_0 {}

impl Coded for Q2_0 {
    type Group = EachBlock<U64>;
    const SECTIONS: &'static [Section] =
        &[Section { offset: 2, bytes: 16, fields: 4, element: 0, order: Order::Bytes }];
    const SCALE_OFFSET: Option<usize> = Some(0);
    const MAGNITUDES: bool = true;

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
