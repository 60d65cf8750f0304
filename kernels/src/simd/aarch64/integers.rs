//! The operations of [`integers`](crate::simd::integers) on aarch64: four registers of sixteen bytes. [`Dot`] is the
//! level.

use core::arch::aarch64::*;
use core::marker::PhantomData;

use super::dot::Dot;
use super::floats::{Neon, widen};
use crate::simd::floats::LANES;
use crate::simd::integers::{BYTES, Integers};

/// Proof that NEON and the instructions of the level `D` are present.
#[derive(Clone, Copy)]
pub(crate) struct NeonIntegers<D>(Neon, PhantomData<D>);

impl<D: Dot> NeonIntegers<D> {
    /// # Safety
    /// The processor must have NEON and the instructions of the level.
    #[inline(always)]
    pub(crate) unsafe fn new() -> Self {
        // SAFETY: the caller vouches for NEON.
        NeonIntegers(unsafe { Neon::new() }, PhantomData)
    }

    /// The products of a vector added to `sums`, those of a lane to that lane.
    #[inline(always)]
    fn add_products(self, sums: Registers, codes: [uint8x16_t; 4], x: [uint8x16_t; 4]) -> Registers {
        // SAFETY: `self` proves the instructions of the level.
        unsafe {
            [
                D::add_products(sums[0], codes[0], x[0]),
                D::add_products(sums[1], codes[1], x[1]),
                D::add_products(sums[2], codes[2], x[2]),
                D::add_products(sums[3], codes[3], x[3]),
            ]
        }
    }
}

/// Sixteen `i32`.
type Registers = [int32x4_t; 4];

impl<D: Dot> Integers for NeonIntegers<D> {
    type Floats = Neon;
    type Bytes = [uint8x16_t; 4];
    type Dots = Registers;
    /// One for each register.
    type Weights = [i32; 4];
    type Sums = Registers;

    #[inline(always)]
    fn floats(self) -> Neon {
        self.0
    }

    #[inline(always)]
    fn load(self, from: &[i8; BYTES]) -> [uint8x16_t; 4] {
        let from = from.as_ptr().cast::<u8>();
        // SAFETY: `self` proves NEON; the 64 bytes at `from` are read as four groups of sixteen.
        unsafe { [vld1q_u8(from), vld1q_u8(from.add(16)), vld1q_u8(from.add(32)), vld1q_u8(from.add(48))] }
    }

    #[inline(always)]
    fn runs<const COUNT: usize, const STRIDE: usize, const AT: usize>(self, blocks: &[u8]) -> [uint8x16_t; 4] {
        const { assert!(COUNT == 1 || COUNT == 2 || COUNT == 4) };
        assert!(blocks.len() >= (COUNT - 1) * STRIDE + AT + BYTES / COUNT, "{COUNT} blocks");
        let of_block = 4 / COUNT;
        // SAFETY: `self` proves NEON. Register `i` starts `16 (i % of_block)` bytes after `AT` of block
        // `i / of_block`: the last of them ends with the bytes of the assertion.
        let register =
            |i: usize| unsafe { vld1q_u8(blocks.as_ptr().add(i / of_block * STRIDE + AT + 16 * (i % of_block))) };
        [register(0), register(1), register(2), register(3)]
    }

    #[inline(always)]
    fn halves<const COUNT: usize, const STRIDE: usize, const AT: usize>(self, blocks: &[u8]) -> [float32x4_t; 4] {
        const { assert!(COUNT == 2 || COUNT == 4) };
        let half = |i: usize| {
            let at = i * COUNT / 4 * STRIDE + AT;
            let half = u16::from_le_bytes([blocks[at], blocks[at + 1]]);
            // SAFETY: `self` proves NEON.
            unsafe { widen(vdup_n_u16(half)) }
        };
        [half(0), half(1), half(2), half(3)]
    }

    #[inline(always)]
    fn nibbles(self, bytes: [uint8x16_t; 4]) -> [[uint8x16_t; 4]; 2] {
        // SAFETY: `self` proves NEON.
        let low = |i: usize| unsafe { vandq_u8(bytes[i], vdupq_n_u8(15)) };
        // SAFETY: `self` proves NEON.
        let high = |i: usize| unsafe { vshrq_n_u8::<4>(bytes[i]) };
        [[low(0), low(1), low(2), low(3)], [high(0), high(1), high(2), high(3)]]
    }

    #[inline(always)]
    fn six_bits(self, low: [uint8x16_t; 4], upper: &[u8; 32]) -> [[uint8x16_t; 4]; 2] {
        let [first, second] = self.nibbles(low);
        // SAFETY: `self` proves NEON; `upper` has the two groups of sixteen bytes.
        unsafe {
            let upper = [vld1q_u8(upper.as_ptr()), vld1q_u8(upper.as_ptr().add(16))];
            let or = |low, pairs| vorrq_u8(low, vandq_u8(pairs, vdupq_n_u8(0x30)));
            [
                [
                    or(first[0], vshlq_n_u8::<4>(upper[0])),
                    or(first[1], vshlq_n_u8::<4>(upper[1])),
                    or(first[2], vshlq_n_u8::<2>(upper[0])),
                    or(first[3], vshlq_n_u8::<2>(upper[1])),
                ],
                [
                    or(second[0], upper[0]),
                    or(second[1], upper[1]),
                    or(second[2], vshrq_n_u8::<2>(upper[0])),
                    or(second[3], vshrq_n_u8::<2>(upper[1])),
                ],
            ]
        }
    }

    #[inline(always)]
    fn dot(self, codes: [uint8x16_t; 4], x: [uint8x16_t; 4]) -> Registers {
        // Codes up to 63 are the same signed.
        self.dot_signed(codes, x)
    }

    #[inline(always)]
    fn dot_signed(self, codes: [uint8x16_t; 4], x: [uint8x16_t; 4]) -> Registers {
        self.add_products(self.zero(), codes, x)
    }

    #[inline(always)]
    fn add_dots(self, a: Registers, b: Registers) -> Registers {
        // SAFETY: `self` proves NEON.
        unsafe { [vaddq_s32(a[0], b[0]), vaddq_s32(a[1], b[1]), vaddq_s32(a[2], b[2]), vaddq_s32(a[3], b[3])] }
    }

    #[inline(always)]
    fn combine(self, high: Registers, low: Registers) -> Registers {
        self.weigh(high, [255; 4], low)
    }

    #[inline(always)]
    fn dot_of_planes<const N: usize>(
        self,
        codes: [[uint8x16_t; 4]; N],
        high: [[uint8x16_t; 4]; N],
        low: [[uint8x16_t; 4]; N],
    ) -> Registers {
        let mut sums = [self.zero(); 2];
        for v in 0..N {
            sums[0] = self.add_products(sums[0], codes[v], high[v]);
            sums[1] = self.add_products(sums[1], codes[v], low[v]);
        }
        self.combine(sums[0], sums[1])
    }

    #[inline(always)]
    fn group_weights(self, factors: &[i8; 16]) -> [[i32; 4]; 4] {
        let mut weights = [[0; 4]; 4];
        for (weight, factor) in weights.as_flattened_mut().iter_mut().zip(factors) {
            *weight = i32::from(*factor);
        }
        weights
    }

    #[inline(always)]
    fn weigh(self, dots: Registers, weights: [i32; 4], sums: Registers) -> Registers {
        // SAFETY: `self` proves NEON.
        let weigh = |i: usize| unsafe { vmlaq_n_s32(sums[i], dots[i], weights[i]) };
        [weigh(0), weigh(1), weigh(2), weigh(3)]
    }

    #[inline(always)]
    fn pair_products(self, a: &[i8; 16], b: &[i16; 16]) -> Registers {
        // SAFETY: `self` proves NEON; the arrays have the 16 and 32 bytes that are read.
        unsafe {
            let a = vld1q_s8(a.as_ptr());
            let pairs = |a: int16x8_t, b: int16x8_t| {
                vpaddq_s32(vmull_s16(vget_low_s16(a), vget_low_s16(b)), vmull_high_s16(a, b))
            };
            let (first, second) = (vmovl_s8(vget_low_s8(a)), vmovl_high_s8(a));
            let zero = vdupq_n_s32(0);
            [pairs(first, vld1q_s16(b.as_ptr())), pairs(second, vld1q_s16(b.as_ptr().add(8))), zero, zero]
        }
    }

    #[inline(always)]
    fn zero(self) -> Registers {
        // SAFETY: `self` proves NEON.
        [unsafe { vdupq_n_s32(0) }; 4]
    }

    #[inline(always)]
    fn load_sums(self, from: &[i32; LANES]) -> Registers {
        let from = from.as_ptr();
        // SAFETY: `self` proves NEON; the sixteen numbers at `from` are read as four groups of four.
        unsafe { [vld1q_s32(from), vld1q_s32(from.add(4)), vld1q_s32(from.add(8)), vld1q_s32(from.add(12))] }
    }

    #[inline(always)]
    fn sub(self, a: Registers, b: Registers) -> Registers {
        // SAFETY: `self` proves NEON.
        unsafe { [vsubq_s32(a[0], b[0]), vsubq_s32(a[1], b[1]), vsubq_s32(a[2], b[2]), vsubq_s32(a[3], b[3])] }
    }

    #[inline(always)]
    fn sum_quads(self, vectors: [Registers; 4]) -> Registers {
        // SAFETY: `self` proves NEON. A quad is a register.
        let quads = |v: usize| unsafe {
            let [a, b, c, d] = vectors[v];
            vpaddq_s32(vpaddq_s32(a, b), vpaddq_s32(c, d))
        };
        [quads(0), quads(1), quads(2), quads(3)]
    }

    #[inline(always)]
    fn to_f32(self, sums: Registers) -> [float32x4_t; 4] {
        // SAFETY: `self` proves NEON.
        unsafe { [vcvtq_f32_s32(sums[0]), vcvtq_f32_s32(sums[1]), vcvtq_f32_s32(sums[2]), vcvtq_f32_s32(sums[3])] }
    }
}
