//! The three ways to multiply and add bytes on aarch64.
//!
//! What belongs here: sums of products of bytes for each level, as ternary and dense matrices need them. What does not:
//! everything else a vector does ([`super::neon`]), which is the same on all levels.

use core::arch::aarch64::*;
use core::arch::asm;

/// One way to multiply and add the bytes of two vectors of 32.
///
/// Registers prove nothing of a level: what takes them is called by [`Bytes`](super::neon::Bytes) and
/// [`NeonIntegers`](super::integers::NeonIntegers) alone, whose values are the proof.
pub(crate) trait Dot: Copy {
    /// Steps that a run holds without overflow, for codes up to 2 and any `i8`.
    const RUN: usize;
    /// Whether a tile pairs steps and tokens: a step of eight columns of two rows meets two tokens.
    const PAIRED: bool = false;

    /// A running dot product of eight lanes of four bytes.
    type Run: Copy;

    /// A run of zeros.
    ///
    /// # Safety
    /// The machine has the instructions of the level.
    unsafe fn zero() -> Self::Run;

    /// Adds the products of `codes` (as `u8`, at most 127) and `activations` (as `i8`), lane by lane.
    fn dot(codes: [uint8x16_t; 2], activations: [uint8x16_t; 2], run: Self::Run) -> Self::Run;

    /// As [`Dot::dot`], but the products of a register may go to any of its lanes.
    #[inline(always)]
    fn dot_across(codes: [uint8x16_t; 2], activations: [uint8x16_t; 2], run: Self::Run) -> Self::Run {
        Self::dot(codes, activations, run)
    }

    /// [`Vector::ordering_fence`](crate::simd::Vector::ordering_fence), by `asm!` blocks that are not `pure`: their
    /// order is kept.
    fn ordering_fence(run: Self::Run, next: [uint8x16_t; 2]) -> (Self::Run, [uint8x16_t; 2]);

    /// Adds the lanes of `run` to `sums`.
    fn widen(run: Self::Run, sums: [int32x4_t; 2]) -> [int32x4_t; 2];

    /// Adds the products of signed bytes with signed ones in -127..=127 to `sums`, those of a lane to that lane.
    ///
    /// # Safety
    /// The machine has the instructions of the level.
    unsafe fn add_products(sums: int32x4_t, codes: uint8x16_t, x: uint8x16_t) -> int32x4_t;

    /// Adds the products of eight columns of eight rows with eight columns of two tokens, where [`Dot::PAIRED`].
    ///
    /// `codes[i]` has the rows `2 i` and `2 i + 1`, `activations` the two tokens, eight bytes each. The two runs
    /// together hold the sums in an order of their own; [`Dot::unpair`] gives those of each token.
    fn dot_paired(_codes: [uint8x16_t; 4], _activations: uint8x16_t, runs: [Self::Run; 2]) -> [Self::Run; 2] {
        runs
    }

    /// The runs of two tokens from what [`Dot::dot_paired`] holds.
    fn unpair(runs: [Self::Run; 2]) -> [Self::Run; 2] {
        runs
    }
}

/// [`Dot::ordering_fence`] for runs of two registers of any type.
macro_rules! ordering_fence {
    () => {
        #[inline(always)]
        fn ordering_fence([mut a, mut b]: Self::Run, [mut c, mut d]: [uint8x16_t; 2]) -> (Self::Run, [uint8x16_t; 2]) {
            // SAFETY: there is no instruction in it.
            unsafe {
                asm!(
                    "/* {0:v} {1:v} {2:v} {3:v} */",
                    inout(vreg) a,
                    inout(vreg) b,
                    inout(vreg) c,
                    inout(vreg) d,
                    options(nomem, nostack, preserves_flags),
                );
            }
            ([a, b], [c, d])
        }
    };
}

/// Products as `i16`: for machines without a dot product.
#[derive(Clone, Copy)]
pub(crate) struct Widening;

impl Dot for Widening {
    // A step adds two products of a code up to 2 and an `i8`, a number in -512..=508, to each `i16` of a run: 64 steps
    // stay in -32768..=32512, which `i16` holds.
    const RUN: usize = 64;

    type Run = [int16x8_t; 2];

    #[inline(always)]
    unsafe fn zero() -> Self::Run {
        // SAFETY: the caller vouches for NEON.
        [unsafe { vdupq_n_s16(0) }; 2]
    }

    /// The bytes of each word apart, as words: what is made of codes is made once for all tokens of a tile, and what is
    /// made of activations once for all rows.
    #[inline(always)]
    fn dot(codes: [uint8x16_t; 2], activations: [uint8x16_t; 2], run: Self::Run) -> Self::Run {
        // SAFETY: the run proves NEON.
        let add = |i: usize| unsafe {
            let (codes, x) = (vreinterpretq_u16_u8(codes[i]), vreinterpretq_s16_u8(activations[i]));
            let low = vreinterpretq_s16_u16(vandq_u16(codes, vdupq_n_u16(0xff)));
            let high = vreinterpretq_s16_u16(vshrq_n_u16::<8>(codes));
            let sums = vmlaq_s16(run[i], low, vshrq_n_s16::<8>(vshlq_n_s16::<8>(x)));
            vmlaq_s16(sums, high, vshrq_n_s16::<8>(x))
        };
        [add(0), add(1)]
    }

    #[inline(always)]
    fn dot_across(codes: [uint8x16_t; 2], activations: [uint8x16_t; 2], run: Self::Run) -> Self::Run {
        // SAFETY: the run proves NEON.
        let add = |i: usize| unsafe {
            let (codes, x) = (vreinterpretq_s8_u8(codes[i]), vreinterpretq_s8_u8(activations[i]));
            vmlal_high_s8(vmlal_s8(run[i], vget_low_s8(codes), vget_low_s8(x)), codes, x)
        };
        [add(0), add(1)]
    }

    ordering_fence!();

    /// Products of signed bytes as `i16`, of which each two neighbours are added as `i32`.
    #[inline(always)]
    unsafe fn add_products(sums: int32x4_t, codes: uint8x16_t, x: uint8x16_t) -> int32x4_t {
        // SAFETY: the caller vouches for NEON. `vmlaq_s16` adds two products of up to `128 * 127`, which `i16` holds.
        unsafe {
            let (codes, x) = (vreinterpretq_s16_u8(codes), vreinterpretq_s16_u8(x));
            let low = vmulq_s16(vshrq_n_s16::<8>(vshlq_n_s16::<8>(codes)), vshrq_n_s16::<8>(vshlq_n_s16::<8>(x)));
            vpadalq_s16(sums, vmlaq_s16(low, vshrq_n_s16::<8>(codes), vshrq_n_s16::<8>(x)))
        }
    }

    #[inline(always)]
    fn widen(run: Self::Run, sums: [int32x4_t; 2]) -> [int32x4_t; 2] {
        // SAFETY: the run proves NEON.
        unsafe { [vpadalq_s16(sums[0], run[0]), vpadalq_s16(sums[1], run[1])] }
    }
}

/// The dot product of Armv8.2.
#[derive(Clone, Copy)]
pub(crate) struct Sdot;

impl Dot for Sdot {
    // 2^20 steps of four products of at most 256 stay below 2^31.
    const RUN: usize = 1 << 20;

    type Run = [int32x4_t; 2];

    #[inline(always)]
    unsafe fn zero() -> Self::Run {
        // SAFETY: the caller vouches for NEON.
        [unsafe { vdupq_n_s32(0) }; 2]
    }

    #[inline(always)]
    fn dot(codes: [uint8x16_t; 2], activations: [uint8x16_t; 2], run: Self::Run) -> Self::Run {
        // SAFETY: a run of this level proves the dot product.
        unsafe { [sdot(run[0], codes[0], activations[0]), sdot(run[1], codes[1], activations[1])] }
    }

    ordering_fence!();

    #[inline(always)]
    unsafe fn add_products(sums: int32x4_t, codes: uint8x16_t, x: uint8x16_t) -> int32x4_t {
        // SAFETY: the caller vouches for the dot product.
        unsafe { sdot(sums, codes, x) }
    }

    #[inline(always)]
    fn widen(run: Self::Run, sums: [int32x4_t; 2]) -> [int32x4_t; 2] {
        // SAFETY: the run proves NEON.
        unsafe { [vaddq_s32(sums[0], run[0]), vaddq_s32(sums[1], run[1])] }
    }
}

/// The dot product, and in tiles the matrix product of Armv8.6.
#[derive(Clone, Copy)]
pub(crate) struct Smmla;

impl Dot for Smmla {
    // 2^20 steps of four products of at most 256 stay below 2^31.
    const RUN: usize = 1 << 20;
    const PAIRED: bool = true;

    type Run = [int32x4_t; 2];

    #[inline(always)]
    unsafe fn zero() -> Self::Run {
        // SAFETY: the caller vouches for the instructions of this level, which include those of `Sdot`.
        unsafe { Sdot::zero() }
    }

    #[inline(always)]
    fn dot(codes: [uint8x16_t; 2], activations: [uint8x16_t; 2], run: Self::Run) -> Self::Run {
        Sdot::dot(codes, activations, run)
    }

    ordering_fence!();

    #[inline(always)]
    unsafe fn add_products(sums: int32x4_t, codes: uint8x16_t, x: uint8x16_t) -> int32x4_t {
        // SAFETY: the caller vouches for the instructions of this level, which include those of `Sdot`.
        unsafe { Sdot::add_products(sums, codes, x) }
    }

    #[inline(always)]
    fn widen(run: Self::Run, sums: [int32x4_t; 2]) -> [int32x4_t; 2] {
        Sdot::widen(run, sums)
    }

    #[inline(always)]
    fn dot_paired(codes: [uint8x16_t; 4], activations: uint8x16_t, [first, second]: [Self::Run; 2]) -> [Self::Run; 2] {
        // SAFETY: a run of this level proves the matrix product.
        unsafe {
            let first = [smmla(first[0], codes[0], activations), smmla(first[1], codes[1], activations)];
            let second = [smmla(second[0], codes[2], activations), smmla(second[1], codes[3], activations)];
            [first, second]
        }
    }

    #[inline(always)]
    fn unpair([[a, b], [c, d]]: [Self::Run; 2]) -> [Self::Run; 2] {
        // Each vector has, for the two rows in turn, the sums of the two tokens.
        // SAFETY: the runs prove NEON.
        unsafe { [[vuzp1q_s32(a, b), vuzp1q_s32(c, d)], [vuzp2q_s32(a, b), vuzp2q_s32(c, d)]] }
    }
}

/// Adds to each lane of `sum` the products of the four bytes there, both as `i8`.
///
/// # Safety
/// The machine has the dot product.
#[inline(always)]
unsafe fn sdot(mut sum: int32x4_t, codes: uint8x16_t, activations: uint8x16_t) -> int32x4_t {
    // SAFETY: the caller vouches for the instruction, which reads and writes registers only.
    unsafe {
        asm!(
            ".arch_extension dotprod",
            "sdot {sum:v}.4s, {codes:v}.16b, {activations:v}.16b",
            sum = inout(vreg) sum,
            codes = in(vreg) codes,
            activations = in(vreg) activations,
            options(pure, nomem, nostack, preserves_flags),
        );
    }
    sum
}

/// Adds to `sum`, a 2 x 2 matrix, the product of `codes` and the transpose of `activations`, both 2 x 8 of `i8`.
///
/// # Safety
/// The machine has the matrix product.
#[inline(always)]
unsafe fn smmla(mut sum: int32x4_t, codes: uint8x16_t, activations: uint8x16_t) -> int32x4_t {
    // SAFETY: the caller vouches for the instruction, which reads and writes registers only.
    unsafe {
        asm!(
            ".arch_extension i8mm",
            "smmla {sum:v}.4s, {codes:v}.16b, {activations:v}.16b",
            sum = inout(vreg) sum,
            codes = in(vreg) codes,
            activations = in(vreg) activations,
            options(pure, nomem, nostack, preserves_flags),
        );
    }
    sum
}
