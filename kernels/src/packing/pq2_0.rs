//! PQ2_0: four codes a byte, one f16 scale for 128 columns.
//!
//! Source: struct `block_q2_0` of PrismML's fork of llama.cpp at release prism-b10685.

use typenum::{U34, U128};

use super::coded::{Pairs, coded_packing};
use super::{Coded, Groups128, Order, Section, Ternary};

coded_packing! {
    /// The packing of GGUF type 142, and of files that PrismML published with type 42: an f16 scale, then 128 codes
    /// in 32 bytes, four neighbouring columns in each, the first in the lowest bits.
    Pq2_0, "pq2_0", U128, U34
}

#[diagnostic::do_not_recommend]
impl Ternary for Pq2_0 {}

impl Coded for Pq2_0 {
    type Group = Groups128;
    type Fields = Pairs;
    const SECTIONS: &'static [Section] =
        &[Section { offset: 2, bytes: 32, fields: 4, element: 0, order: Order::Bytes }];
    const SCALE_OFFSET: Option<usize> = Some(0);
    const MAGNITUDES: bool = true;
}
