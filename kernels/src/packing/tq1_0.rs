//! TQ1_0: five codes a byte in base 3, one f16 scale for 256 columns.

use alloc::vec::Vec;

use super::ternary::{self, MAX_FIELDS, Scales, Section, Ternary};
use super::{BlockFault, DensePacking, Packing, PackingError};
use crate::arch::floats::Floats;

/// The packing of GGUF type 34: blocks of 256 codes in 52 bytes, then the scale.
///
/// A byte is a fraction `byte / 256` in base 3 whose leading digits are the codes: `ceil(value * 256 / 243)` where
/// `value` has the codes as its five digits, the first the most significant. The last four bytes hold four codes and a
/// digit 0.
#[derive(Debug, Clone, Copy)]
pub struct Tq1_0;

impl Packing for Tq1_0 {
    const NAME: &'static str = "tq1_0";
    const BLOCK: usize = 256;
    const BLOCK_BYTES: usize = 54;

    type Shared = Scales;

    fn shared(blocks: &[u8], _trailer: &[u8]) -> Result<Scales, PackingError> {
        Ok(ternary::shared_of_blocks::<Self>(blocks))
    }

    fn find_fault(blocks: &[u8], shared: Scales) -> Option<(usize, BlockFault)> {
        ternary::find_fault::<Self>(blocks, shared)
    }

    fn decode(blocks: &[u8], shared: Scales, out: &mut [f32]) {
        ternary::decode::<Self>(blocks, shared, out);
    }
}

impl DensePacking for Tq1_0 {
    const UNIT: usize = Self::BLOCK;
    type Unit<'a, S: Floats> = [f32; 256];

    #[inline(always)]
    fn unit<S: Floats>(_: S, bytes: &[u8], shared: Scales) -> [f32; 256] {
        let mut values = [0.0; 256];
        ternary::decode::<Self>(bytes, shared, &mut values);
        values
    }

    #[inline(always)]
    fn vector<S: Floats>(floats: S, unit: &[f32; 256], index: usize) -> S::F32x16 {
        floats.load(&unit.as_chunks().0[index])
    }
}

impl Ternary for Tq1_0 {
    const SECTIONS: &'static [Section] = &[
        Section { offset: 0, bytes: 32, fields: 5, element: 0 },
        Section { offset: 32, bytes: 16, fields: 5, element: 160 },
        Section { offset: 48, bytes: 4, fields: 4, element: 240 },
    ];
    const SCALE_OFFSET: Option<usize> = Some(52);

    #[inline(always)]
    fn code(byte: u8, field: usize) -> u8 {
        const POWERS: [u8; MAX_FIELDS] = [1, 3, 9, 27, 81];
        let rest = byte.wrapping_mul(POWERS[field]);
        ((u16::from(rest) * 3) >> 8) as u8
    }

    #[inline(always)]
    fn has_code_3(_byte: u8) -> bool {
        false
    }

    #[inline(always)]
    fn byte(codes: [u8; MAX_FIELDS]) -> u8 {
        let value = codes.iter().fold(0, |value, &code| 3 * value + u32::from(code));
        (value * 256).div_ceil(243) as u8
    }

    fn trailer(_scale: f32) -> Vec<u8> {
        Vec::new()
    }
}
