//! TQ1_0: five codes a byte in base 3, one f16 scale for 256 columns.

use typenum::{U54, U256};

use super::coded::{Trits, coded_packing};
use super::{Coded, Groups256, Order, Section, Ternary};

coded_packing! {
    /// The packing of GGUF type 34: blocks of 256 codes in 52 bytes, then the scale.
    ///
    /// A byte is a fraction `byte / 256` in base 3 whose leading digits are the codes: `ceil(value * 256 / 243)` where
    /// `value` has the codes as its five digits, the first the most significant. The last four bytes hold four codes
    /// and a digit 0.
    Tq1_0, "tq1_0", U256, U54
}

#[diagnostic::do_not_recommend]
impl Ternary for Tq1_0 {}

impl Coded for Tq1_0 {
    type Group = Groups256;
    type Fields = Trits;
    const SECTIONS: &'static [Section] = &[
        Section { offset: 0, bytes: 32, fields: 5, element: 0, order: Order::Planes },
        Section { offset: 32, bytes: 16, fields: 5, element: 160, order: Order::Planes },
        Section { offset: 48, bytes: 4, fields: 4, element: 240, order: Order::Planes },
    ];
    const SCALE_OFFSET: Option<usize> = Some(52);
}
