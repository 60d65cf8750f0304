//! TQ2_0: four codes a byte, one f16 scale for 256 columns.

use typenum::{U66, U256};

use super::coded::{Pairs, coded_packing};
use super::{Coded, Groups256, Order, Section, Ternary};

coded_packing! {
    /// The packing of GGUF type 35: blocks of 256 codes in 64 bytes, least significant bits first, then the scale.
    Tq2_0, "tq2_0", U256, U66
}

#[diagnostic::do_not_recommend]
impl Ternary for Tq2_0 {}

impl Coded for Tq2_0 {
    type Group = Groups256;
    type Fields = Pairs;
    const SECTIONS: &'static [Section] = &[
        Section { offset: 0, bytes: 32, fields: 4, element: 0, order: Order::Planes },
        Section { offset: 32, bytes: 32, fields: 4, element: 128, order: Order::Planes },
    ];
    const SCALE_OFFSET: Option<usize> = Some(64);
}
