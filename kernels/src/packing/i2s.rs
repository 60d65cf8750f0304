//! I2_S: four codes a byte, one scale for the tensor.
//!
//! This is the layout that x86 builds of bitnet.cpp and Microsoft's Python converter write (blocks of 128 columns). Two
//! other layouts share its type id and length and cannot be told apart by the file.

use alloc::vec::Vec;

use typenum::{U32, U128};

use super::coded::{self, decoded_units};
use super::{
    BlockFault, Coded, Fields, MAX_FIELDS, Order, Packing, PackingError, Scales, Section, Ternary, WholeMatrix,
};

/// The packing of GGUF type 36: blocks of 128 codes in 32 bytes, most significant bits first, then a trailer of 32
/// bytes that starts with the scale as f32 (its other 28 bytes mean nothing).
#[derive(Debug, Clone, Copy)]
pub struct I2S;

impl Packing for I2S {
    const NAME: &'static str = "i2_s";
    type Columns = U128;
    type BlockBytes = U32;
    const TRAILER: usize = 32;

    type Shared = Scales;

    fn shared(blocks: &[u8], trailer: &[u8]) -> Result<Scales, PackingError> {
        let scale = f32::from_le_bytes([trailer[0], trailer[1], trailer[2], trailer[3]]);
        if !scale.is_finite() || scale < 0.0 {
            return Err(PackingError::Scale { packing: Self::NAME, offset: blocks.len(), found: scale });
        }
        Ok(Scales::Tensor(scale))
    }

    fn find_fault(blocks: &[u8], shared: Scales) -> Option<(usize, BlockFault)> {
        coded::find_fault::<Self>(blocks, shared)
    }

    fn decode(blocks: &[u8], shared: Scales, out: &mut [f32]) {
        coded::decode::<Self>(blocks, shared, out);
    }
}

decoded_units!(I2S, U128);

#[diagnostic::do_not_recommend]
impl Ternary for I2S {}

impl Coded for I2S {
    type Group = WholeMatrix;
    type Fields = DescendingPairs;
    const SECTIONS: &'static [Section] =
        &[Section { offset: 0, bytes: 32, fields: 4, element: 0, order: Order::Planes }];
    const SCALE_OFFSET: Option<usize> = None;

    fn trailer(scale: f32) -> Vec<u8> {
        let mut trailer = vec![0; Self::TRAILER];
        trailer[..4].copy_from_slice(&scale.to_le_bytes());
        trailer
    }
}

/// Four pairs of bits, the first highest.
#[derive(Debug)]
pub struct DescendingPairs;

impl Fields for DescendingPairs {
    #[inline(always)]
    fn code(byte: u8, field: usize) -> u8 {
        byte >> (6 - 2 * field) & 3
    }

    #[inline(always)]
    fn has_code_3(byte: u8) -> bool {
        byte & (byte >> 1) & 0x55 != 0
    }

    #[inline(always)]
    fn byte(codes: [u8; MAX_FIELDS]) -> u8 {
        codes[0] << 6 | codes[1] << 4 | codes[2] << 2 | codes[3]
    }
}
