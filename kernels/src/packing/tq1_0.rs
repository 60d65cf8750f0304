//! TQ1_0: five codes a byte in base 3, one f16 scale for 256 columns.

use typenum::{U54, U256};

use super::coded::coded_packing;
use super::{Coded, Groups256, MAX_FIELDS, Order, Section, Ternary};

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
    const SECTIONS: &'static [Section] = &[
        Section { offset: 0, bytes: 32, fields: 5, element: 0, order: Order::Planes },
        Section { offset: 32, bytes: 16, fields: 5, element: 160, order: Order::Planes },
        Section { offset: 48, bytes: 4, fields: 4, element: 240, order: Order::Planes },
    ];
    const SCALE_OFFSET: Option<usize> = Some(52);

    #[inline(always)]
    fn code(byte: u8, field: usize) -> u8 {
        trit(byte, field)
    }

    #[inline(always)]
    fn byte(codes: [u8; MAX_FIELDS]) -> u8 {
        byte_of_trits(codes)
    }
}

/// Digit `field` in base 3 of the fraction `byte / 256`, the leading one first.
#[inline(always)]
pub(super) fn trit(byte: u8, field: usize) -> u8 {
    const POWERS: [u8; 5] = [1, 3, 9, 27, 81];
    let rest = byte.wrapping_mul(POWERS[field]);
    ((u16::from(rest) * 3) >> 8) as u8
}

/// The least byte whose first five digits are these.
#[inline(always)]
pub(super) fn byte_of_trits(codes: [u8; MAX_FIELDS]) -> u8 {
    let value = codes[..5].iter().fold(0, |value, &code| 3 * value + u32::from(code));
    (value * 256).div_ceil(243) as u8
}
