//! [`Vector`] with NEON: 32 bytes in two registers, one part, eight lanes. [`Dot`] is the level.

use core::arch::aarch64::*;
use core::marker::PhantomData;

use super::dot::Dot;
use super::floats::Neon;
use super::integers::NeonIntegers;
use crate::simd::vector::lane_step;
use crate::simd::{Simd, Vector};

/// 32 bytes. A value exists only on a machine with the instructions of the level `D`.
#[derive(Clone, Copy)]
pub(crate) struct Bytes<D>([uint8x16_t; 2], PhantomData<D>);

/// Eight `i32`.
#[derive(Clone, Copy)]
pub(crate) struct Sums([int32x4_t; 2]);

impl<D: Dot> Bytes<D> {
    #[inline(always)]
    fn of(registers: [uint8x16_t; 2]) -> Self {
        Bytes(registers, PhantomData)
    }

    #[inline(always)]
    fn map(self, f: impl Fn(uint8x16_t) -> uint8x16_t) -> Self {
        Self::of([f(self.0[0]), f(self.0[1])])
    }
}

impl<D: Dot> Vector for Bytes<D> {
    const PARTS: usize = 1;
    const RUN: usize = D::RUN;
    const TOKENS: usize = 4;
    const STEPS: usize = if D::PAIRED { 2 } else { 1 };

    type Run = D::Run;
    type Sums = Sums;
    type Floats = Neon;
    type Integers = NeonIntegers<D>;

    #[inline(always)]
    fn floats(_: Simd<Self>) -> Neon {
        // SAFETY: `Simd` proves the instructions of this file, which are those of the result.
        unsafe { Neon::new() }
    }

    #[inline(always)]
    fn integers(_: Simd<Self>) -> NeonIntegers<D> {
        // SAFETY: `Simd` proves the instructions of the level.
        unsafe { NeonIntegers::new() }
    }

    #[inline(always)]
    unsafe fn load_parts(simd: Simd<Self>, parts: [*const u8; 2]) -> Self {
        // SAFETY: `Simd` proves NEON, the caller vouches for 32 readable bytes at the first pointer.
        unsafe { Self::load(simd, parts[0]) }
    }

    #[inline(always)]
    unsafe fn load_halves(_: Simd<Self>, halves: [*const u8; 4]) -> Self {
        // SAFETY: `Simd` proves NEON, the caller vouches for 16 readable bytes at two pointers; the loads are
        // unaligned.
        Self::of(unsafe { [vld1q_u8(halves[0]), vld1q_u8(halves[1])] })
    }

    #[inline(always)]
    unsafe fn repeat_lane(_: Simd<Self>, lane: *const i8) -> Self {
        // SAFETY: `Simd` proves NEON, the caller vouches for 4 readable bytes; the read is unaligned.
        Self::of([unsafe { vreinterpretq_u8_s32(vdupq_n_s32(lane.cast::<i32>().read_unaligned())) }; 2])
    }

    #[inline(always)]
    unsafe fn load(_: Simd<Self>, bytes: *const u8) -> Self {
        // SAFETY: `Simd` proves NEON, the caller vouches for 32 readable bytes; the loads are unaligned.
        Self::of(unsafe { [vld1q_u8(bytes), vld1q_u8(bytes.add(16))] })
    }

    #[inline(always)]
    unsafe fn store(self, bytes: *mut u8) {
        // SAFETY: `self` proves NEON; the caller vouches for 32 writable bytes; the stores are unaligned.
        unsafe {
            vst1q_u8(bytes, self.0[0]);
            vst1q_u8(bytes.add(16), self.0[1]);
        }
    }

    #[inline(always)]
    fn transpose_lanes(vectors: [Self; 8]) -> [Self; 8] {
        let [a, b, c, d, e, f, g, h] = vectors.map(|vector| vector.0);
        // SAFETY: the vectors prove NEON.
        unsafe {
            let (low, high) =
                (transpose_quarters([a[0], b[0], c[0], d[0]]), transpose_quarters([a[1], b[1], c[1], d[1]]));
            let (low_after, high_after) =
                (transpose_quarters([e[0], f[0], g[0], h[0]]), transpose_quarters([e[1], f[1], g[1], h[1]]));
            let pair = |first: [uint8x16_t; 4], second: [uint8x16_t; 4], i: usize| Self::of([first[i], second[i]]);
            [
                pair(low, low_after, 0),
                pair(low, low_after, 1),
                pair(low, low_after, 2),
                pair(low, low_after, 3),
                pair(high, high_after, 0),
                pair(high, high_after, 1),
                pair(high, high_after, 2),
                pair(high, high_after, 3),
            ]
        }
    }

    #[inline(always)]
    fn two_bits<const SHIFT: u32>(self) -> Self {
        // SAFETY: `self` proves NEON.
        self.map(|bytes| unsafe {
            let three = vdupq_n_u8(3);
            match SHIFT {
                0 => vandq_u8(bytes, three),
                2 => vandq_u8(vshrq_n_u8::<2>(bytes), three),
                4 => vandq_u8(vshrq_n_u8::<4>(bytes), three),
                _ => vshrq_n_u8::<6>(bytes),
            }
        })
    }

    #[inline(always)]
    fn nibbles(self) -> Self {
        // SAFETY: `self` proves NEON.
        Self::of([self.0[0], unsafe { vshrq_n_u8::<4>(self.0[1]) }])
    }

    #[inline(always)]
    fn bit_as_two<const BIT: u32>(self) -> Self {
        // SAFETY: `self` proves NEON.
        self.map(|bytes| unsafe {
            let shifted = match BIT {
                0 => vaddq_u8(bytes, bytes),
                1 => bytes,
                2 => vshrq_n_u8::<1>(bytes),
                _ => vshrq_n_u8::<2>(bytes),
            };
            vandq_u8(shifted, vdupq_n_u8(2))
        })
    }

    #[inline(always)]
    fn join_words(self, other: Self) -> Self {
        // SAFETY: the vectors prove NEON.
        let join = |a, b| unsafe { vreinterpretq_u8_u16(vtrn1q_u16(vreinterpretq_u16_u8(a), vreinterpretq_u16_u8(b))) };
        Self::of([join(self.0[0], other.0[0]), join(self.0[1], other.0[1])])
    }

    #[inline(always)]
    fn triple(self) -> Self {
        // SAFETY: `self` proves NEON.
        self.map(|bytes| unsafe { vaddq_u8(bytes, vaddq_u8(bytes, bytes)) })
    }

    #[inline(always)]
    fn leading_trit(self) -> Self {
        // SAFETY: `self` proves NEON. 3 * byte reaches 256 at byte 86 and 512 at byte 171; a comparison that holds is
        // 255, that is -1 modulo 256.
        self.map(|bytes| unsafe {
            let first = vcgtq_u8(bytes, vdupq_n_u8(85));
            let second = vcgtq_u8(bytes, vdupq_n_u8(170));
            vsubq_u8(vdupq_n_u8(0), vaddq_u8(first, second))
        })
    }

    #[inline(always)]
    fn zero_run(_: Simd<Self>) -> D::Run {
        // SAFETY: `Simd` proves the level.
        unsafe { D::zero() }
    }

    #[inline(always)]
    fn zero_sums(_: Simd<Self>) -> Sums {
        // SAFETY: `Simd` proves NEON.
        Sums([unsafe { vdupq_n_s32(0) }; 2])
    }

    #[inline(always)]
    fn dot(self, activations: Self, run: D::Run) -> D::Run {
        D::dot(self.0, activations.0, run)
    }

    #[inline(always)]
    fn dot_across(self, activations: Self, run: D::Run) -> D::Run {
        D::dot_across(self.0, activations.0, run)
    }

    #[inline(always)]
    fn ordering_fence(run: D::Run, next: Self) -> (D::Run, Self) {
        let (run, next) = D::ordering_fence(run, next.0);
        (run, Self::of(next))
    }

    #[inline(always)]
    fn pair_steps([first, second]: [Self; 2]) -> [Self; 2] {
        // SAFETY: the vectors prove NEON.
        let pairs = |i: usize| unsafe {
            let (first, second) = (vreinterpretq_u32_u8(first.0[i]), vreinterpretq_u32_u8(second.0[i]));
            let (low, high) = (vzip1q_u32(first, second), vzip2q_u32(first, second));
            Self::of([vreinterpretq_u8_u32(low), vreinterpretq_u8_u32(high)])
        };
        [pairs(0), pairs(1)]
    }

    #[inline(always)]
    unsafe fn tile_step<const T: usize>(
        simd: Simd<Self>,
        codes: *const u8,
        activations: &[*const i8; T],
        runs: &mut [[D::Run; 2]; T],
    ) {
        if !D::PAIRED {
            // SAFETY: the caller vouches for the same.
            return unsafe { lane_step::<Self, T>(simd, codes, activations, runs) };
        }
        // SAFETY: the caller vouches for two vectors of two steps, which are 128 bytes, and for
        // eight activations of each token.
        unsafe {
            let half = |half: usize| {
                let (low, high) =
                    (Self::load(simd, codes.add(32 * half)), Self::load(simd, codes.add(32 * (2 + half))));
                [low.0[0], low.0[1], high.0[0], high.0[1]]
            };
            let halves = [half(0), half(1)];
            for (runs, tokens) in runs.as_chunks_mut::<2>().0.iter_mut().zip(activations.as_chunks::<2>().0) {
                let [first, second] = tokens.map(|token| vld1_u8(token.cast()));
                let both = vcombine_u8(first, second);
                for (half, codes) in halves.iter().enumerate() {
                    let [a, b] = D::dot_paired(*codes, both, [runs[0][half], runs[1][half]]);
                    (runs[0][half], runs[1][half]) = (a, b);
                }
            }
        }
    }

    #[inline(always)]
    fn unmix_tokens<const T: usize>(runs: &mut [[D::Run; 2]; T]) {
        for runs in runs.as_chunks_mut::<2>().0 {
            for half in 0..2 {
                let [a, b] = D::unpair([runs[0][half], runs[1][half]]);
                (runs[0][half], runs[1][half]) = (a, b);
            }
        }
    }

    #[inline(always)]
    fn widen(run: D::Run, sums: Sums) -> Sums {
        Sums(D::widen(run, sums.0))
    }

    #[inline(always)]
    fn sum_parts(sums: [Sums; 8]) -> [i32; 16] {
        let [a, b, c, d, e, f, g, h] = sums;
        // SAFETY: a `Sums` comes from `zero_sums` or `widen`, both of which prove NEON.
        Self::lanes(Sums(unsafe {
            let lane_sums = |sums: Sums| vaddq_s32(sums.0[0], sums.0[1]);
            let four = |[a, b, c, d]: [Sums; 4]| {
                vpaddq_s32(vpaddq_s32(lane_sums(a), lane_sums(b)), vpaddq_s32(lane_sums(c), lane_sums(d)))
            };
            [four([a, b, c, d]), four([e, f, g, h])]
        }))
    }

    #[inline(always)]
    fn sum_halves(sums: [Sums; 8]) -> [i32; 32] {
        let mut out = [0; 32];
        let [a, b, c, d, e, f, g, h] = sums;
        for half in 0..2 {
            // SAFETY: a `Sums` proves NEON; `out` has room for four times 16 bytes.
            unsafe {
                let four = |[a, b, c, d]: [Sums; 4]| {
                    vpaddq_s32(vpaddq_s32(a.0[half], b.0[half]), vpaddq_s32(c.0[half], d.0[half]))
                };
                vst1q_s32(out.as_mut_ptr().add(8 * half), four([a, b, c, d]));
                vst1q_s32(out.as_mut_ptr().add(8 * half + 4), four([e, f, g, h]));
            }
        }
        out
    }

    #[inline(always)]
    fn lanes(sums: Sums) -> [i32; 16] {
        let mut out = [0; 16];
        // SAFETY: a `Sums` proves NEON; `out` has room for twice 16 bytes.
        unsafe {
            vst1q_s32(out.as_mut_ptr(), sums.0[0]);
            vst1q_s32(out.as_mut_ptr().add(4), sums.0[1]);
        }
        out
    }
}

/// Transposes the 4 x 4 lanes of four bytes that four registers have.
///
/// # Safety
/// The machine has NEON.
#[inline(always)]
unsafe fn transpose_quarters(registers: [uint8x16_t; 4]) -> [uint8x16_t; 4] {
    // SAFETY: the caller vouches for NEON.
    unsafe {
        let [a, b, c, d] = registers.map(|register| vreinterpretq_u32_u8(register));
        let pairs = |a, b| (vreinterpretq_u64_u32(vtrn1q_u32(a, b)), vreinterpretq_u64_u32(vtrn2q_u32(a, b)));
        let ((ab_even, ab_odd), (cd_even, cd_odd)) = (pairs(a, b), pairs(c, d));
        [
            vreinterpretq_u8_u64(vtrn1q_u64(ab_even, cd_even)),
            vreinterpretq_u8_u64(vtrn1q_u64(ab_odd, cd_odd)),
            vreinterpretq_u8_u64(vtrn2q_u64(ab_even, cd_even)),
            vreinterpretq_u8_u64(vtrn2q_u64(ab_odd, cd_odd)),
        ]
    }
}
