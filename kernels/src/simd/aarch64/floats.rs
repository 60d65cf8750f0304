//! The vector operations of [`floats`](crate::simd::floats) on aarch64: four registers of four.

use core::arch::aarch64::*;
use core::arch::asm;

use crate::simd::floats::{Floats, LANES};

/// Proof that NEON is present.
#[derive(Clone, Copy)]
pub(crate) struct Neon(());

impl Neon {
    /// # Safety
    /// The processor must have NEON.
    #[inline(always)]
    pub(crate) unsafe fn new() -> Self {
        Neon(())
    }
}

impl Floats for Neon {
    type F32x16 = [float32x4_t; 4];
    type I32x16 = [int32x4_t; 4];
    /// The first of each pair, then the second.
    type Pairs = [int16x8_t; 4];
    const MANY_REGISTERS: bool = false;

    #[inline(always)]
    fn splat(self, value: f32) -> [float32x4_t; 4] {
        // SAFETY: `self` proves NEON.
        [unsafe { vdupq_n_f32(value) }; 4]
    }

    #[inline(always)]
    fn load(self, from: &[f32; LANES]) -> [float32x4_t; 4] {
        let from = from.as_ptr();
        // SAFETY: `self` proves NEON; the sixteen values at `from` are read as four groups of four.
        unsafe { [vld1q_f32(from), vld1q_f32(from.add(4)), vld1q_f32(from.add(8)), vld1q_f32(from.add(12))] }
    }

    #[inline(always)]
    fn store(self, v: [float32x4_t; 4], to: &mut [f32; LANES]) {
        let to = to.as_mut_ptr();
        // SAFETY: `self` proves NEON; the sixteen values at `to` are written as four groups of four.
        unsafe {
            vst1q_f32(to, v[0]);
            vst1q_f32(to.add(4), v[1]);
            vst1q_f32(to.add(8), v[2]);
            vst1q_f32(to.add(12), v[3]);
        }
    }

    #[inline(always)]
    fn add(self, a: [float32x4_t; 4], b: [float32x4_t; 4]) -> [float32x4_t; 4] {
        // SAFETY: `self` proves NEON.
        unsafe { [vaddq_f32(a[0], b[0]), vaddq_f32(a[1], b[1]), vaddq_f32(a[2], b[2]), vaddq_f32(a[3], b[3])] }
    }

    #[inline(always)]
    fn mul(self, a: [float32x4_t; 4], b: [float32x4_t; 4]) -> [float32x4_t; 4] {
        // SAFETY: `self` proves NEON.
        unsafe { [vmulq_f32(a[0], b[0]), vmulq_f32(a[1], b[1]), vmulq_f32(a[2], b[2]), vmulq_f32(a[3], b[3])] }
    }

    #[inline(always)]
    fn mul_add(self, a: [float32x4_t; 4], b: [float32x4_t; 4], c: [float32x4_t; 4]) -> [float32x4_t; 4] {
        // SAFETY: `self` proves NEON.
        unsafe {
            [
                vfmaq_f32(c[0], a[0], b[0]),
                vfmaq_f32(c[1], a[1], b[1]),
                vfmaq_f32(c[2], a[2], b[2]),
                vfmaq_f32(c[3], a[3], b[3]),
            ]
        }
    }

    #[inline(always)]
    fn max(self, a: [float32x4_t; 4], b: [float32x4_t; 4]) -> [float32x4_t; 4] {
        // SAFETY: `self` proves NEON.
        unsafe { core::array::from_fn(|i| vbslq_f32(vcgtq_f32(a[i], b[i]), a[i], b[i])) }
    }

    #[inline(always)]
    fn largest(self, v: [float32x4_t; 4]) -> f32 {
        // SAFETY: `self` proves NEON.
        unsafe { vmaxvq_f32(vmaxq_f32(vmaxq_f32(v[0], v[1]), vmaxq_f32(v[2], v[3]))) }
    }

    #[inline(always)]
    fn low_bits_as_exponent(self, v: [float32x4_t; 4]) -> [float32x4_t; 4] {
        // SAFETY: `self` proves NEON. The reinterpretations keep the bits.
        unsafe { v.map(|v| vreinterpretq_f32_u32(vshlq_n_u32::<23>(vreinterpretq_u32_f32(v)))) }
    }

    #[inline(always)]
    fn to_i16(self, v: [float32x4_t; 4]) -> [i16; LANES] {
        let mut numbers = [0; LANES];
        // SAFETY: `self` proves NEON; the sixteen numbers are written as two groups of eight.
        unsafe {
            let [a, b, c, d] = v.map(|v| vmovn_s32(vcvtnq_s32_f32(v)));
            vst1q_s16(numbers.as_mut_ptr(), vcombine_s16(a, b));
            vst1q_s16(numbers.as_mut_ptr().add(8), vcombine_s16(c, d));
        }
        numbers
    }

    #[inline(always)]
    fn sum(self, v: [float32x4_t; 4]) -> f32 {
        // SAFETY: `self` proves NEON.
        unsafe {
            let four = vaddq_f32(vaddq_f32(v[0], v[2]), vaddq_f32(v[1], v[3]));
            let two = vadd_f32(vget_low_f32(four), vget_high_f32(four));
            vget_lane_f32::<0>(two) + vget_lane_f32::<1>(two)
        }
    }

    #[inline(always)]
    fn splat_f16(self, from: [u8; 2]) -> [float32x4_t; 4] {
        // SAFETY: `self` proves NEON.
        [unsafe { widen(vdup_n_u16(u16::from_le_bytes(from))) }; 4]
    }

    #[inline(always)]
    fn widen_i8(self, from: [i8; LANES]) -> [float32x4_t; 4] {
        // SAFETY: `self` proves NEON; `from` holds the sixteen bytes that are read.
        unsafe {
            let bytes = vld1q_s8(from.as_ptr());
            let (low, high) = (vmovl_s8(vget_low_s8(bytes)), vmovl_high_s8(bytes));
            [
                vcvtq_f32_s32(vmovl_s16(vget_low_s16(low))),
                vcvtq_f32_s32(vmovl_high_s16(low)),
                vcvtq_f32_s32(vmovl_s16(vget_low_s16(high))),
                vcvtq_f32_s32(vmovl_high_s16(high)),
            ]
        }
    }

    #[inline(always)]
    fn load_f16(self, from: &[u8; 2 * LANES]) -> [float32x4_t; 4] {
        let from = from.as_ptr();
        // SAFETY: `self` proves NEON; the 32 bytes at `from` are read as four groups of eight, at any alignment.
        unsafe {
            let eight = |offset: usize| widen(vreinterpret_u16_u8(vld1_u8(from.add(offset))));
            [eight(0), eight(8), eight(16), eight(24)]
        }
    }

    #[inline(always)]
    unsafe fn gather_f16(self, places: &[*const u8; LANES]) -> [float32x4_t; 4] {
        // SAFETY: the caller vouches for two bytes at each place; reads are unaligned.
        let word = |at: usize| unsafe { u64::from(u16::from_le(places[at].cast::<u16>().read_unaligned())) };
        let words = |at: usize| word(at) | word(at + 1) << 16 | word(at + 2) << 32 | word(at + 3) << 48;
        // SAFETY: `self` proves NEON.
        let four = |at: usize| unsafe { widen(vcreate_u16(words(at))) };
        [four(0), four(4), four(8), four(12)]
    }

    #[inline(always)]
    fn zeros_i32(self) -> [int32x4_t; 4] {
        // SAFETY: `self` proves NEON.
        [unsafe { vdupq_n_s32(0) }; 4]
    }

    #[inline(always)]
    fn load_pairs(self, from: &[i8; 2 * LANES]) -> [int16x8_t; 4] {
        // SAFETY: `self` proves NEON; `from` holds the 32 bytes that are read.
        unsafe {
            let int8x16x2_t(first, second) = vld2q_s8(from.as_ptr());
            let (first_low, second_low) = (vmovl_s8(vget_low_s8(first)), vmovl_s8(vget_low_s8(second)));
            [first_low, vmovl_high_s8(first), second_low, vmovl_high_s8(second)]
        }
    }

    #[inline(always)]
    fn add_pair_products(self, sums: [int32x4_t; 4], pair: [i16; 2], pairs: [int16x8_t; 4]) -> [int32x4_t; 4] {
        let [low, high] = pair;
        // SAFETY: `self` proves NEON.
        unsafe {
            let firsts = [
                vmlal_n_s16(sums[0], vget_low_s16(pairs[0]), low),
                vmlal_high_n_s16(sums[1], pairs[0], low),
                vmlal_n_s16(sums[2], vget_low_s16(pairs[1]), low),
                vmlal_high_n_s16(sums[3], pairs[1], low),
            ];
            [
                vmlal_n_s16(firsts[0], vget_low_s16(pairs[2]), high),
                vmlal_high_n_s16(firsts[1], pairs[2], high),
                vmlal_n_s16(firsts[2], vget_low_s16(pairs[3]), high),
                vmlal_high_n_s16(firsts[3], pairs[3], high),
            ]
        }
    }

    #[inline(always)]
    fn add_i32(self, a: [int32x4_t; 4], b: [int32x4_t; 4]) -> [int32x4_t; 4] {
        // SAFETY: `self` proves NEON.
        unsafe { core::array::from_fn(|i| vaddq_s32(a[i], b[i])) }
    }

    #[inline(always)]
    fn to_f32(self, v: [int32x4_t; 4]) -> [float32x4_t; 4] {
        // SAFETY: `self` proves NEON.
        unsafe { v.map(|v| vcvtq_f32_s32(v)) }
    }
}

/// Half precision to single precision, exact.
///
/// # Safety
/// The processor must have NEON.
#[inline(always)]
pub(super) unsafe fn widen(halves: uint16x4_t) -> float32x4_t {
    let values: float32x4_t;
    // SAFETY: the caller vouches for the instruction, which reads and writes registers only.
    unsafe {
        asm!(
            "fcvtl {values:v}.4s, {halves:v}.4h",
            values = out(vreg) values,
            halves = in(vreg) halves,
            options(pure, nomem, nostack, preserves_flags),
        );
    }
    values
}
