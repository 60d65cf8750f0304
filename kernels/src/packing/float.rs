//! Elements stored as floats: F32, F16 and BF16.

use super::{BlockFault, DensePacking, FromFloat, Packing, PackingError};
use crate::elementwise::half_precision;
use crate::simd::floats::{Floats, LANES, Portable, widen_f16};
use typenum::{Const, ToUInt, U1};

/// Single precision: 4 bytes an element.
#[derive(Debug, Clone, Copy)]
pub struct F32;

/// Half precision: 2 bytes an element, 5 bits of exponent.
#[derive(Debug, Clone, Copy)]
pub struct F16;

/// The upper half of single precision: 2 bytes an element, 8 bits of exponent.
#[derive(Debug, Clone, Copy)]
pub struct BF16;

#[inline(always)]
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
            type Columns = U1;
            type BlockBytes = <Const<$bytes> as ToUInt>::Output;
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
                Self::decode_units(Portable, blocks, (), out);
            }
        }
    };
}
float_packing!(F32, "f32", 4, f32::from_le_bytes, exponent 0x7f80_0000 of u32);
float_packing!(F16, "f16", 2, |bytes| widen_f16(u16::from_le_bytes(bytes)), exponent 0x7c00 of u16);
float_packing!(BF16, "bf16", 2, bf16, exponent 0x7f80 of u16);

/// Units of sixteen elements, whose vector `$vector` gives of their bytes.
macro_rules! float_units {
    ($packing:ident, $bytes:literal, $floats:ident, $unit:ident => $vector:expr) => {
        impl DensePacking for $packing {
            const UNIT: usize = LANES;
            const IN_REGISTERS: bool = true;
            type Unit<'a, S: Floats> = &'a [u8; $bytes * LANES];

            #[inline(always)]
            fn unit<S: Floats>(_: S, bytes: &[u8], (): ()) -> &[u8; $bytes * LANES] {
                &bytes.as_chunks().0[0]
            }

            #[inline(always)]
            fn vector<S: Floats>($floats: S, $unit: &&[u8; $bytes * LANES], _: usize) -> S::F32x16 {
                $vector
            }
        }
    };
}
float_units!(F32, 4, floats, unit => floats.load(&elements(*unit, f32::from_le_bytes)));
float_units!(F16, 2, floats, unit => floats.load_f16(unit));
float_units!(BF16, 2, floats, unit => floats.load(&elements(*unit, bf16)));

/// The values of sixteen elements of `N` bytes.
#[inline(always)]
fn elements<const N: usize>(unit: &[u8], value: impl Fn([u8; N]) -> f32) -> [f32; LANES] {
    let mut values = [0.0; LANES];
    for (element, bytes) in values.iter_mut().zip(unit.as_chunks::<N>().0) {
        *element = value(*bytes);
    }
    values
}

impl FromFloat for F32 {
    #[inline(always)]
    fn encode(values: &[f32], blocks: &mut [u8]) {
        for (bytes, value) in blocks.as_chunks_mut().0.iter_mut().zip(values) {
            *bytes = value.to_le_bytes();
        }
    }
}

/// Rounds to nearest, halves to even.
impl FromFloat for F16 {
    #[inline(always)]
    fn encode(values: &[f32], blocks: &mut [u8]) {
        half_precision::narrow(values, blocks.as_chunks_mut().0);
    }
}

/// Rounds to nearest, halves to even.
impl FromFloat for BF16 {
    #[inline(always)]
    fn encode(values: &[f32], blocks: &mut [u8]) {
        for (bytes, value) in blocks.as_chunks_mut().0.iter_mut().zip(values) {
            let bits = value.to_bits();
            let rounded = (u64::from(bits) + 0x7fff + u64::from(bits >> 16 & 1)) >> 16;
            *bytes = (rounded as u16).to_le_bytes();
        }
    }
}
