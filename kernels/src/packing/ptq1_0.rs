//! PTQ1_0: five codes a byte in base 3, one f16 scale for 128 columns.
//!
//! Source: `block_ptq1_0` of PrismML's fork of llama.cpp at release prism-b10685.

use typenum::{U28, U128};

use super::coded::{Trits, coded_packing};
use super::{Coded, Groups128, Order, Section, Ternary};

coded_packing! {
    /// The packing of GGUF type 143: blocks of 128 codes in 26 bytes, then the scale. Bytes are fractions in base 3, as
    /// those of [`Tq1_0`](struct@super::Tq1_0) are; the last two hold four codes and a digit 0.
    Ptq1_0, "ptq1_0", U128, U28
}

#[diagnostic::do_not_recommend]
impl Ternary for Ptq1_0 {}

impl Coded for Ptq1_0 {
    type Group = Groups128;
    type Fields = Trits;
    const SECTIONS: &'static [Section] = &[
        Section { offset: 0, bytes: 16, fields: 5, element: 0, order: Order::Planes },
        Section { offset: 16, bytes: 8, fields: 5, element: 80, order: Order::Planes },
        Section { offset: 24, bytes: 2, fields: 4, element: 120, order: Order::Planes },
    ];
    const SCALE_OFFSET: Option<usize> = Some(26);
    const MAGNITUDES: bool = true;
}
