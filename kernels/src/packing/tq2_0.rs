//! TQ2_0: four codes a byte, one f16 scale for 256 columns.

use alloc::vec::Vec;

use super::ternary::{self, MAX_FIELDS, Scales, Section, Ternary};
use super::{BlockFault, DensePacking, Packing, PackingError};
use crate::arch::floats::Floats;

/// The packing of GGUF type 35: blocks of 256 codes in 64 bytes, least significant bits first, then the scale.
#[derive(Debug, Clone, Copy)]
pub struct Tq2_0;

impl Packing for Tq2_0 {
    const NAME: &'static str = "tq2_0";
    const BLOCK: usize = 256;
    const BLOCK_BYTES: usize = 66;

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

impl DensePacking for Tq2_0 {
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

impl Ternary for Tq2_0 {
    const SECTIONS: &'static [Section] = &[
        Section { offset: 0, bytes: 32, fields: 4, element: 0 },
        Section { offset: 32, bytes: 32, fields: 4, element: 128 },
    ];
    const SCALE_OFFSET: Option<usize> = Some(64);

    #[inline(always)]
    fn code(byte: u8, field: usize) -> u8 {
        byte >> (2 * field) & 3
    }

    #[inline(always)]
    fn has_code_3(byte: u8) -> bool {
        byte & (byte >> 1) & 0x55 != 0
    }

    #[inline(always)]
    fn byte(codes: [u8; MAX_FIELDS]) -> u8 {
        codes[0] | codes[1] << 2 | codes[2] << 4 | codes[3] << 6
    }

    fn trailer(_scale: f32) -> Vec<u8> {
        Vec::new()
    }
}
