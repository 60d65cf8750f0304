//! Elements stored as floats: F32, F16 and BF16.

use super::{BlockFault, Packing, PackingError};
use crate::arch::floats::{Floats, Portable, widen_f16};
use crate::dense::DensePacking;
use crate::float::half_precision;

/// Single precision: 4 bytes an element.
#[derive(Debug, Clone, Copy)]
pub struct F32;

/// Half precision: 2 bytes an element, 5 bits of exponent.
#[derive(Debug, Clone, Copy)]
pub struct F16;

/// The upper half of single precision: 2 bytes an element, 8 bits of exponent.
#[derive(Debug, Clone, Copy)]
pub struct BF16;

fn bf16(bytes: [u8; 2]) -> f32 {
    f32::from_bits(u32::from(u16::from_le_bytes(bytes)) << 16)
}

/// Elements that are searched together for one that is not finite.
const PAGE: usize = 2048;

/// A number is finite unless all bits of its exponent are set.
macro_rules! float_packing {
    ($packing:ident, $name:literal, $bytes:literal, $value:expr, exponent $exponent:literal of $bits:ident) => {
        impl Packing for $packing {
            const NAME: &'static str = $name;
            const BLOCK: usize = 1;
            const BLOCK_BYTES: usize = $bytes;
            type Shared = ();

            fn shared(_: &[u8], _: &[u8]) -> Result<(), PackingError> {
                Ok(())
            }

            fn find_fault(blocks: &[u8], (): ()) -> Option<(usize, BlockFault)> {
                let value: fn([u8; $bytes]) -> f32 = $value;
                let finite = |bytes: &[u8; $bytes]| $bits::from_le_bytes(*bytes) & $exponent != $exponent;
                let elements = blocks.as_chunks::<$bytes>().0;
                // Whole pages first: without an early exit the compiler vectorises the search.
                let all_finite = |page: &[[u8; $bytes]]| page.iter().fold(true, |all, element| all & finite(element));
                let page = elements.chunks(PAGE).position(|page| !all_finite(page))?;
                let index = page * PAGE + elements[page * PAGE..].iter().position(|element| !finite(element))?;
                Some((index, BlockFault::NotFinite { name: "value", found: value(elements[index]) }))
            }

            fn decode(blocks: &[u8], (): (), out: &mut [f32]) {
                Self::decode_blocks(Portable, blocks, (), out);
            }
        }
    };
}
float_packing!(F32, "f32", 4, f32::from_le_bytes, exponent 0x7f80_0000 of u32);
float_packing!(F16, "f16", 2, |bytes| widen_f16(u16::from_le_bytes(bytes)), exponent 0x7c00 of u16);
float_packing!(BF16, "bf16", 2, bf16, exponent 0x7f80 of u16);

impl DensePacking for F32 {
    #[inline(always)]
    fn decode_blocks<S: Floats>(_: S, blocks: &[u8], _: (), out: &mut [f32]) {
        for (out, bytes) in out.iter_mut().zip(blocks.as_chunks::<4>().0) {
            *out = f32::from_le_bytes(*bytes);
        }
    }
}

impl DensePacking for F16 {
    #[inline(always)]
    fn decode_blocks<S: Floats>(floats: S, blocks: &[u8], _: (), out: &mut [f32]) {
        half_precision::widen(floats, blocks, out);
    }
}

impl DensePacking for BF16 {
    #[inline(always)]
    fn decode_blocks<S: Floats>(_: S, blocks: &[u8], _: (), out: &mut [f32]) {
        for (out, bytes) in out.iter_mut().zip(blocks.as_chunks::<2>().0) {
            *out = bf16(*bytes);
        }
    }
}
