//! [`Vector`] with AVX2: 32 bytes, one part, eight lanes.

use core::arch::asm;
use core::arch::x86_64::*;

use super::floats::Avx2;
use crate::simd::{Simd, Vector};

/// 32 bytes. A value exists only on a machine with AVX2, F16C and FMA.
#[derive(Clone, Copy)]
pub(crate) struct Bytes(pub(super) __m256i);

/// Sixteen `i16`, each holding two of the four products of a lane in each step.
#[derive(Clone, Copy)]
pub(crate) struct Run(__m256i);

/// Eight `i32`.
#[derive(Clone, Copy)]
pub(crate) struct Sums(pub(super) __m256i);

impl Vector for Bytes {
    const PARTS: usize = 1;
    // A step adds two products of a code up to 2 and an `i8`, a number in -512..=508, to each `i16` of a run: 64 steps
    // stay in -32768..=32512, which `i16` holds. The two products of `vpmaddubsw` do not saturate for the same reason.
    const RUN: usize = 64;
    const TOKENS: usize = 4;

    type Run = Run;
    type Sums = Sums;
    type Floats = Avx2;
    type Integers = Avx2;

    #[inline(always)]
    fn floats(_: Simd<Self>) -> Avx2 {
        // SAFETY: `Simd` proves the instructions of this file, which are those of the result.
        unsafe { Avx2::new() }
    }

    #[inline(always)]
    fn integers(_: Simd<Self>) -> Avx2 {
        // SAFETY: `Simd` proves the instructions of this file, which are those of the result.
        unsafe { Avx2::new() }
    }

    #[inline(always)]
    unsafe fn load_parts(simd: Simd<Self>, parts: [*const u8; 2]) -> Self {
        // SAFETY: `Simd` proves AVX2, the caller vouches for 32 readable bytes at the first pointer.
        unsafe { Self::load(simd, parts[0]) }
    }

    #[inline(always)]
    unsafe fn load_halves(_: Simd<Self>, halves: [*const u8; 4]) -> Self {
        // SAFETY: `Simd` proves AVX2, the caller vouches for 16 readable bytes at two pointers; the loads are
        // unaligned.
        Bytes(unsafe { _mm256_loadu2_m128i(halves[1].cast(), halves[0].cast()) })
    }

    #[inline(always)]
    unsafe fn repeat_lane(_: Simd<Self>, lane: *const i8) -> Self {
        // SAFETY: `Simd` proves AVX2, the caller vouches for 4 readable bytes; the read is unaligned.
        Bytes(unsafe { _mm256_set1_epi32(lane.cast::<i32>().read_unaligned()) })
    }

    #[inline(always)]
    unsafe fn load(_: Simd<Self>, bytes: *const u8) -> Self {
        // SAFETY: `Simd` proves AVX2, the caller vouches for 32 readable bytes; the load is unaligned.
        Bytes(unsafe { _mm256_loadu_si256(bytes.cast()) })
    }

    #[inline(always)]
    unsafe fn store(self, bytes: *mut u8) {
        // SAFETY: `self` proves AVX2; the caller vouches for 32 writable bytes; the store is unaligned.
        unsafe { _mm256_storeu_si256(bytes.cast(), self.0) }
    }

    #[inline(always)]
    fn transpose_lanes(vectors: [Self; 8]) -> [Self; 8] {
        let [Bytes(a), Bytes(b), Bytes(c), Bytes(d), Bytes(e), Bytes(f), Bytes(g), Bytes(h)] = vectors;
        // SAFETY: the vectors prove AVX2.
        unsafe {
            // Each 128-bit half of `low[i]` has lane `i` of that half of a, b, c, d; of `high[i]` those of e, f, g, h.
            let low = transpose_quarters([a, b, c, d]);
            let high = transpose_quarters([e, f, g, h]);
            [
                Bytes(_mm256_permute2x128_si256::<0x20>(low[0], high[0])),
                Bytes(_mm256_permute2x128_si256::<0x20>(low[1], high[1])),
                Bytes(_mm256_permute2x128_si256::<0x20>(low[2], high[2])),
                Bytes(_mm256_permute2x128_si256::<0x20>(low[3], high[3])),
                Bytes(_mm256_permute2x128_si256::<0x31>(low[0], high[0])),
                Bytes(_mm256_permute2x128_si256::<0x31>(low[1], high[1])),
                Bytes(_mm256_permute2x128_si256::<0x31>(low[2], high[2])),
                Bytes(_mm256_permute2x128_si256::<0x31>(low[3], high[3])),
            ]
        }
    }

    #[inline(always)]
    fn two_bits<const SHIFT: u32>(self) -> Self {
        // SAFETY: `self` proves AVX2. Bits that a 16-bit shift moves across bytes land above the two that are kept.
        Bytes(unsafe {
            let shifted = match SHIFT {
                0 => self.0,
                2 => _mm256_srli_epi16::<2>(self.0),
                4 => _mm256_srli_epi16::<4>(self.0),
                _ => _mm256_srli_epi16::<6>(self.0),
            };
            _mm256_and_si256(shifted, _mm256_set1_epi8(3))
        })
    }

    #[inline(always)]
    fn nibbles(self) -> Self {
        // SAFETY: `self` proves AVX2. Bits that a shift moves across bytes land above those that mean something.
        Bytes(unsafe { _mm256_srlv_epi32(self.0, _mm256_setr_epi32(0, 0, 0, 0, 4, 4, 4, 4)) })
    }

    #[inline(always)]
    fn bit_as_two<const BIT: u32>(self) -> Self {
        // SAFETY: `self` proves AVX2. Bits that a 16-bit shift moves across bytes are not the one that is kept.
        Bytes(unsafe {
            let shifted = match BIT {
                0 => _mm256_add_epi8(self.0, self.0),
                1 => self.0,
                2 => _mm256_srli_epi16::<1>(self.0),
                _ => _mm256_srli_epi16::<2>(self.0),
            };
            _mm256_and_si256(shifted, _mm256_set1_epi8(2))
        })
    }

    #[inline(always)]
    fn join_words(self, other: Self) -> Self {
        // SAFETY: the vectors prove AVX2.
        Bytes(unsafe { _mm256_blend_epi16::<0b1010_1010>(self.0, _mm256_slli_epi32::<16>(other.0)) })
    }

    #[inline(always)]
    fn triple(self) -> Self {
        // SAFETY: `self` proves AVX2.
        Bytes(unsafe { _mm256_add_epi8(self.0, opaque(_mm256_add_epi8(self.0, self.0))) })
    }

    #[inline(always)]
    fn leading_trit(self) -> Self {
        // SAFETY: `self` proves AVX2. 3 * byte reaches 256 at byte 86 and 512 at byte 171.
        Bytes(unsafe {
            let one = _mm256_set1_epi8(1);
            let first = _mm256_min_epu8(_mm256_subs_epu8(self.0, _mm256_set1_epi8(85)), one);
            let second = _mm256_min_epu8(_mm256_subs_epu8(self.0, _mm256_set1_epi8(170_u8 as i8)), one);
            _mm256_add_epi8(first, second)
        })
    }

    /// With the upper bit flipped: the machine compares signed bytes. Three times such a byte is one again.
    #[inline(always)]
    fn trits(self) -> Self {
        // SAFETY: `self` proves AVX2.
        Bytes(unsafe { _mm256_xor_si256(self.0, _mm256_set1_epi8(-128)) })
    }

    #[inline(always)]
    fn add_trits(self, activations: Self, runs: &mut [Run; 2]) -> Self {
        // SAFETY: `self` proves AVX2. A byte has the digit 1 from 86 on and 2 from 171 on, which are -42 and 43 here; a
        // comparison that holds is -1.
        let digit = Bytes(unsafe {
            let first = _mm256_cmpgt_epi8(self.0, _mm256_set1_epi8(-43));
            let second = _mm256_cmpgt_epi8(self.0, _mm256_set1_epi8(42));
            _mm256_sub_epi8(_mm256_sub_epi8(_mm256_setzero_si256(), first), second)
        });
        runs[0] = digit.dot(activations, runs[0]);
        self.triple()
    }

    #[inline(always)]
    fn zero_run(_: Simd<Self>) -> Run {
        // SAFETY: `Simd` proves AVX2.
        Run(unsafe { _mm256_setzero_si256() })
    }

    #[inline(always)]
    fn zero_sums(_: Simd<Self>) -> Sums {
        // SAFETY: `Simd` proves AVX2.
        Sums(unsafe { _mm256_setzero_si256() })
    }

    #[inline(always)]
    fn dot(self, activations: Self, run: Run) -> Run {
        // SAFETY: `self` proves AVX2.
        Run(unsafe { _mm256_add_epi16(run.0, _mm256_maddubs_epi16(self.0, activations.0)) })
    }

    #[inline(always)]
    fn ordering_fence(run: Run, next: Self) -> (Run, Self) {
        // SAFETY: `next` proves AVX2.
        let (run, next) = unsafe { ordering_fence(run.0, next.0) };
        (Run(run), Bytes(next))
    }

    #[inline(always)]
    fn widen(run: Run, sums: Sums) -> Sums {
        // SAFETY: a `Run` comes from `zero_run` or `dot`, both of which prove AVX2.
        Sums(unsafe { _mm256_add_epi32(sums.0, _mm256_madd_epi16(run.0, _mm256_set1_epi16(1))) })
    }

    #[inline(always)]
    fn sum_parts(sums: [Sums; 8]) -> [i32; 16] {
        Self::lanes(add_halves(half_sums(sums)))
    }

    #[inline(always)]
    fn sum_small_parts(sums: [Sums; 8]) -> [i32; 16] {
        Self::lanes(add_halves(small_half_sums(sums)))
    }

    #[inline(always)]
    fn sum_halves(sums: [Sums; 8]) -> [i32; 32] {
        let [first, second] = half_sums(sums);
        let mut out = [0; 32];
        out[..16].copy_from_slice(&Self::lanes(first));
        out[8..24].copy_from_slice(&Self::lanes(second));
        out
    }

    #[inline(always)]
    fn fuse_parts(sums: [Sums; 8], minus: &[i32; 16], factors: &[f32; 16], acc: &mut [f32; 8], _: usize) {
        fuse(add_halves(small_half_sums(sums)), &minus.as_chunks().0[0], &factors.as_chunks().0[0], acc);
    }

    #[inline(always)]
    fn fuse_halves(sums: [Sums; 8], minus: &[i32; 32], factors: &[f32; 32], acc: &mut [f32; 8], _: usize) {
        let ([first, second], minus, factors) = (small_half_sums(sums), minus.as_chunks().0, factors.as_chunks().0);
        fuse(first, &minus[0], &factors[0], acc);
        fuse(second, &minus[1], &factors[1], acc);
    }

    #[inline(always)]
    fn add_scaled(sums: Sums, minus: i32, factor: f32, weight_factors: &[f32; 16], to: &mut [i32; 16], fused: bool) {
        let to = to.as_mut_ptr().cast();
        // SAFETY: a `Sums` proves AVX2 and FMA; both arrays have 32 bytes and more; loads and the store are unaligned.
        unsafe {
            let sums = _mm256_cvtepi32_ps(_mm256_sub_epi32(sums.0, _mm256_set1_epi32(minus)));
            let factors = _mm256_mul_ps(_mm256_set1_ps(factor), _mm256_loadu_ps(weight_factors.as_ptr()));
            let next = match fused {
                true => _mm256_fmadd_ps(sums, factors, _mm256_loadu_ps(to)),
                false => _mm256_add_ps(_mm256_loadu_ps(to), _mm256_mul_ps(sums, factors)),
            };
            _mm256_storeu_ps(to, next);
        }
    }

    #[inline(always)]
    fn lanes(sums: Sums) -> [i32; 16] {
        let mut out = [0; 16];
        // SAFETY: a `Sums` proves AVX2; `out` has room for 32 bytes; the store is unaligned.
        unsafe { _mm256_storeu_si256(out.as_mut_ptr().cast(), sums.0) };
        out
    }

    #[inline(always)]
    fn add_lanes(sums: Sums, to: &mut [i32; 16]) {
        let to = to.as_mut_ptr().cast();
        // SAFETY: a `Sums` proves AVX2; `to` has 32 bytes and more; the load and the store are unaligned.
        unsafe { _mm256_storeu_si256(to, _mm256_add_epi32(sums.0, _mm256_loadu_si256(to))) };
    }
}

/// The sums of parts from those of their halves.
#[inline(always)]
fn add_halves([first, second]: [Sums; 2]) -> Sums {
    // SAFETY: a `Sums` proves AVX2.
    Sums(unsafe { _mm256_add_epi32(first.0, second.0) })
}

/// [`Vector::sum_halves`], in two vectors.
#[inline(always)]
fn half_sums([a, b, c, d, e, f, g, h]: [Sums; 8]) -> [Sums; 2] {
    // SAFETY: a `Sums` comes from `zero_sums` or `widen`, both of which prove AVX2.
    unsafe {
        // Each 128-bit half of `low` has the sums of that half of a, b, c, d; of `high` those of e, f, g, h.
        let low = _mm256_hadd_epi32(_mm256_hadd_epi32(a.0, b.0), _mm256_hadd_epi32(c.0, d.0));
        let high = _mm256_hadd_epi32(_mm256_hadd_epi32(e.0, f.0), _mm256_hadd_epi32(g.0, h.0));
        [Sums(_mm256_permute2x128_si256::<0x20>(low, high)), Sums(_mm256_permute2x128_si256::<0x31>(low, high))]
    }
}

/// [`half_sums`] of lanes below 2^14: neighbours are added as words, two instructions where `vphaddd` is three
/// that wait for one another.
#[inline(always)]
fn small_half_sums([a, b, c, d, e, f, g, h]: [Sums; 8]) -> [Sums; 2] {
    // SAFETY: a `Sums` proves AVX2. Lanes below 2^14, and the sums of two of them, are words.
    unsafe {
        let ones = _mm256_set1_epi16(1);
        let join = |x, y| _mm256_madd_epi16(_mm256_packs_epi32(x, y), ones);
        let low = join(join(a.0, b.0), join(c.0, d.0));
        let high = join(join(e.0, f.0), join(g.0, h.0));
        [Sums(_mm256_permute2x128_si256::<0x20>(low, high)), Sums(_mm256_permute2x128_si256::<0x31>(low, high))]
    }
}

/// Adds `(sums - minus) * factors` to `acc`.
#[inline(always)]
fn fuse(sums: Sums, minus: &[i32; 8], factors: &[f32; 8], acc: &mut [f32; 8]) {
    // SAFETY: a `Sums` proves AVX2 and FMA; arrays have 32 bytes; loads and the store are unaligned.
    unsafe {
        let sums = _mm256_cvtepi32_ps(_mm256_sub_epi32(sums.0, _mm256_loadu_si256(minus.as_ptr().cast())));
        let next = _mm256_fmadd_ps(sums, _mm256_loadu_ps(factors.as_ptr()), _mm256_loadu_ps(acc.as_ptr()));
        _mm256_storeu_ps(acc.as_mut_ptr(), next);
    }
}

/// Transposes the 4 x 4 `i32` that four vectors have in each 128-bit half.
///
/// # Safety
/// The machine has AVX2.
#[inline(always)]
pub(super) unsafe fn transpose_quarters([a, b, c, d]: [__m256i; 4]) -> [__m256i; 4] {
    // SAFETY: the caller vouches for AVX2.
    unsafe {
        let (ab_low, ab_high) = (_mm256_unpacklo_epi32(a, b), _mm256_unpackhi_epi32(a, b));
        let (cd_low, cd_high) = (_mm256_unpacklo_epi32(c, d), _mm256_unpackhi_epi32(c, d));
        [
            _mm256_unpacklo_epi64(ab_low, cd_low),
            _mm256_unpackhi_epi64(ab_low, cd_low),
            _mm256_unpacklo_epi64(ab_high, cd_high),
            _mm256_unpackhi_epi64(ab_high, cd_high),
        ]
    }
}

/// `x`, of which the compiler knows nothing: it would turn powers of three into products of bytes, which x86 does not
/// have and which take several instructions.
#[inline]
#[target_feature(enable = "avx2")]
fn opaque(mut x: __m256i) -> __m256i {
    // SAFETY: there is no instruction in it.
    unsafe { asm!("/* {0} */", inout(ymm_reg) x, options(pure, nomem, nostack, preserves_flags)) };
    x
}

/// [`Vector::ordering_fence`], by `asm!` blocks that are not `pure`: their order is kept.
#[inline]
#[target_feature(enable = "avx2")]
pub(super) fn ordering_fence(mut run: __m256i, mut next: __m256i) -> (__m256i, __m256i) {
    // SAFETY: there is no instruction in it.
    unsafe {
        asm!("/* {0} {1} */", inout(ymm_reg) run, inout(ymm_reg) next, options(nomem, nostack, preserves_flags));
    }
    (run, next)
}
