//! [`Vector`] with AVX-512 and VNNI: 64 bytes, two parts, sixteen lanes.

use core::arch::asm;
use core::arch::x86_64::*;

use super::floats::Avx512;
use crate::simd::vector::{BYTES_OF_TRITS_RUN, add_bytes_of_trits};
use crate::simd::{Lookups, Simd, Vector};

/// 64 bytes. A value exists only on a machine with what [`run_avx512_vnni`](super::run_avx512_vnni) enables.
#[derive(Clone, Copy)]
pub(crate) struct Bytes(__m512i);

/// Sixteen `i32`: what `vpdpbusd` accumulates into.
#[derive(Clone, Copy)]
pub(crate) struct Sums(__m512i);

impl Vector for Bytes {
    const PARTS: usize = 2;
    // A lane grows by at most 4 * 2 * 128 a step: 2^20 steps stay below 2^31.
    const RUN: usize = 1 << 20;
    const TOKENS: usize = 12;
    const TRITS_RUN: usize = BYTES_OF_TRITS_RUN;
    const RUNS_START: bool = true;

    type Run = Sums;
    type Sums = Sums;
    type Floats = Avx512;
    type Integers = Avx512;

    #[inline(always)]
    fn floats(_: Simd<Self>) -> Avx512 {
        // SAFETY: `Simd` proves the instructions of this file, which are those of the result.
        unsafe { Avx512::new() }
    }

    #[inline(always)]
    fn integers(_: Simd<Self>) -> Avx512 {
        // SAFETY: `Simd` proves the instructions of this file, which are those of the result.
        unsafe { Avx512::new() }
    }

    #[inline(always)]
    unsafe fn load_parts(_: Simd<Self>, parts: [*const u8; 2]) -> Self {
        // SAFETY: `Simd` proves AVX-512, the caller vouches for 32 readable bytes at each pointer; the loads are
        // unaligned.
        Bytes(unsafe {
            let low = _mm256_loadu_si256(parts[0].cast());
            let high = _mm256_loadu_si256(parts[1].cast());
            _mm512_inserti64x4::<1>(_mm512_castsi256_si512(low), high)
        })
    }

    #[inline(always)]
    unsafe fn load_halves(_: Simd<Self>, halves: [*const u8; 4]) -> Self {
        // SAFETY: `Simd` proves AVX-512, the caller vouches for 16 readable bytes at each pointer; the loads are
        // unaligned.
        Bytes(unsafe {
            let low = _mm256_loadu2_m128i(halves[1].cast(), halves[0].cast());
            let high = _mm256_loadu2_m128i(halves[3].cast(), halves[2].cast());
            _mm512_inserti64x4::<1>(_mm512_castsi256_si512(low), high)
        })
    }

    #[inline(always)]
    unsafe fn repeat_lane(_: Simd<Self>, lane: *const i8) -> Self {
        // SAFETY: `Simd` proves AVX-512, the caller vouches for 4 readable bytes; the read is unaligned.
        Bytes(unsafe { _mm512_set1_epi32(lane.cast::<i32>().read_unaligned()) })
    }

    #[inline(always)]
    unsafe fn load(_: Simd<Self>, bytes: *const u8) -> Self {
        // SAFETY: `Simd` proves AVX-512, the caller vouches for 64 readable bytes; the load is unaligned.
        Bytes(unsafe { _mm512_loadu_si512(bytes.cast()) })
    }

    #[inline(always)]
    unsafe fn store(self, bytes: *mut u8) {
        // SAFETY: `self` proves AVX-512; the caller vouches for 64 writable bytes; the store is unaligned.
        unsafe { _mm512_storeu_si512(bytes.cast(), self.0) }
    }

    #[inline(always)]
    fn transpose_lanes(vectors: [Self; 8]) -> [Self; 8] {
        let [Bytes(a), Bytes(b), Bytes(c), Bytes(d), Bytes(e), Bytes(f), Bytes(g), Bytes(h)] = vectors;
        // SAFETY: the vectors prove AVX-512.
        unsafe {
            // Each quarter of `low[i]` has lane `i` of that quarter of a, b, c, d; of `high[i]` those of e, f, g, h.
            let low = transpose_quarters([a, b, c, d]);
            let high = transpose_quarters([e, f, g, h]);
            let [v0, v4] = join_quarters(low[0], high[0]);
            let [v1, v5] = join_quarters(low[1], high[1]);
            let [v2, v6] = join_quarters(low[2], high[2]);
            let [v3, v7] = join_quarters(low[3], high[3]);
            [Bytes(v0), Bytes(v1), Bytes(v2), Bytes(v3), Bytes(v4), Bytes(v5), Bytes(v6), Bytes(v7)]
        }
    }

    #[inline(always)]
    fn two_bits<const SHIFT: u32>(self) -> Self {
        // SAFETY: `self` proves AVX-512. Bits that a 16-bit shift moves across bytes land above the two that are kept.
        Bytes(unsafe {
            let shifted = match SHIFT {
                0 => self.0,
                2 => _mm512_srli_epi16::<2>(self.0),
                4 => _mm512_srli_epi16::<4>(self.0),
                _ => _mm512_srli_epi16::<6>(self.0),
            };
            _mm512_and_si512(shifted, _mm512_set1_epi8(3))
        })
    }

    #[inline(always)]
    fn nibbles(self) -> Self {
        // SAFETY: `self` proves AVX-512. Bits that a shift moves across bytes land above those that mean something.
        Bytes(unsafe { _mm512_mask_srli_epi32::<4>(self.0, 0b1111_0000_1111_0000, self.0) })
    }

    #[inline(always)]
    fn bit_as_two<const BIT: u32>(self) -> Self {
        // SAFETY: `self` proves AVX-512 BW. Bits that a 16-bit shift moves across bytes are not the one that is kept.
        Bytes(unsafe {
            let shifted = match BIT {
                0 => _mm512_add_epi8(self.0, self.0),
                1 => self.0,
                2 => _mm512_srli_epi16::<1>(self.0),
                _ => _mm512_srli_epi16::<2>(self.0),
            };
            _mm512_and_si512(shifted, _mm512_set1_epi8(2))
        })
    }

    #[inline(always)]
    fn join_words(self, other: Self) -> Self {
        // SAFETY: the vectors prove AVX-512 BW.
        Bytes(unsafe { _mm512_mask_blend_epi16(0xAAAA_AAAA, self.0, _mm512_slli_epi32::<16>(other.0)) })
    }

    #[inline(always)]
    fn triple(self) -> Self {
        // SAFETY: `self` proves AVX-512 BW.
        Bytes(unsafe { _mm512_add_epi8(self.0, opaque(_mm512_add_epi8(self.0, self.0))) })
    }

    #[inline(always)]
    fn leading_trit(self) -> Self {
        // SAFETY: `self` proves AVX-512 BW. 3 * byte reaches 256 at byte 86 and 512 at byte 171.
        Bytes(unsafe {
            let one = _mm512_set1_epi8(1);
            let first = _mm512_min_epu8(_mm512_subs_epu8(self.0, _mm512_set1_epi8(85)), one);
            let second = _mm512_min_epu8(_mm512_subs_epu8(self.0, _mm512_set1_epi8(170_u8 as i8)), one);
            _mm512_add_epi8(first, second)
        })
    }

    #[inline(always)]
    fn zero_run(_: Simd<Self>) -> Sums {
        // SAFETY: `Simd` proves AVX-512.
        Sums(unsafe { _mm512_setzero_si512() })
    }

    #[inline(always)]
    fn run_from(_: Simd<Self>, start: i32) -> Sums {
        // SAFETY: `Simd` proves AVX-512.
        Sums(unsafe { _mm512_set1_epi32(start) })
    }

    #[inline(always)]
    fn zero_sums(_: Simd<Self>) -> Sums {
        // SAFETY: `Simd` proves AVX-512.
        Sums(unsafe { _mm512_setzero_si512() })
    }

    #[inline(always)]
    fn dot(self, activations: Self, run: Sums) -> Sums {
        // SAFETY: `self` proves AVX-512 VNNI.
        Sums(unsafe { _mm512_dpbusd_epi32(run.0, self.0, activations.0) })
    }

    #[inline(always)]
    fn add_trits(self, activations: Self, runs: &mut [Sums; 2]) -> Self {
        add_bytes_of_trits(self, activations, runs)
    }

    #[inline(always)]
    fn widen_trits([run, next]: [Sums; 2], sums: Sums) -> Sums {
        // SAFETY: a `Sums` proves AVX-512. `vpdpbusd` wraps around, and so do these additions.
        let digits = Sums(unsafe {
            let thrice = _mm512_add_epi32(run.0, _mm512_add_epi32(run.0, run.0));
            _mm512_srai_epi32::<8>(_mm512_sub_epi32(thrice, next.0))
        });
        Self::widen(digits, sums)
    }

    #[inline(always)]
    fn widen(run: Sums, sums: Sums) -> Sums {
        // SAFETY: a `Sums` proves AVX-512, as all functions that make one do.
        Sums(unsafe { _mm512_add_epi32(run.0, sums.0) })
    }

    #[inline(always)]
    fn sum_parts(sums: [Sums; 8]) -> [i32; 16] {
        Self::lanes(part_sums(sums))
    }

    #[inline(always)]
    fn sum_halves(sums: [Sums; 8]) -> [i32; 32] {
        let [first, second] = half_sums(sums);
        let mut out = [0; 32];
        out[..16].copy_from_slice(&Self::lanes(first));
        out[16..].copy_from_slice(&Self::lanes(second));
        out
    }

    #[inline(always)]
    fn fuse_parts(sums: [Sums; 8], minus: &[i32; 16], factors: &[f32; 16], acc: &mut [f32; 8], parts: usize) {
        fuse(part_sums(sums), minus, factors, acc, parts);
    }

    #[inline(always)]
    fn fuse_halves(sums: [Sums; 8], minus: &[i32; 32], factors: &[f32; 32], acc: &mut [f32; 8], halves: usize) {
        let ([first, second], minus, factors) = (half_sums(sums), minus.as_chunks().0, factors.as_chunks().0);
        fuse(first, &minus[0], &factors[0], acc, halves.min(2));
        if halves > 2 {
            fuse(second, &minus[1], &factors[1], acc, 2);
        }
    }

    #[inline(always)]
    fn add_scaled(sums: Sums, minus: i32, factor: f32, weight_factors: &[f32; 16], to: &mut [i32; 16], fused: bool) {
        let to = to.as_mut_ptr().cast();
        // SAFETY: a `Sums` proves AVX-512; both arrays have 64 bytes; loads and the store are unaligned.
        unsafe {
            let sums = _mm512_cvtepi32_ps(_mm512_sub_epi32(sums.0, _mm512_set1_epi32(minus)));
            let factors = _mm512_mul_ps(_mm512_set1_ps(factor), _mm512_loadu_ps(weight_factors.as_ptr()));
            let next = match fused {
                true => _mm512_fmadd_ps(sums, factors, _mm512_loadu_ps(to)),
                false => _mm512_add_ps(_mm512_loadu_ps(to), _mm512_mul_ps(sums, factors)),
            };
            _mm512_storeu_ps(to, next);
        }
    }

    #[inline(always)]
    fn add_lanes(sums: Sums, to: &mut [i32; 16]) {
        let to = to.as_mut_ptr().cast();
        // SAFETY: a `Sums` proves AVX-512; `to` has 64 bytes; the load and the store are unaligned.
        unsafe { _mm512_storeu_si512(to, _mm512_add_epi32(sums.0, _mm512_loadu_si512(to))) };
    }

    #[inline(always)]
    fn lanes(sums: Sums) -> [i32; 16] {
        let mut out = [0; 16];
        // SAFETY: a `Sums` proves AVX-512; `out` has 64 bytes; the store is unaligned.
        unsafe { _mm512_storeu_si512(out.as_mut_ptr().cast(), sums.0) };
        out
    }
}

impl Lookups for Bytes {
    #[inline(always)]
    fn add_bytes(self, other: Self) -> Self {
        // SAFETY: `self` proves AVX-512 BW.
        Bytes(unsafe { _mm512_add_epi8(self.0, other.0) })
    }

    #[inline(always)]
    fn pair_indices(even: Self, odd: Self) -> [Self; 4] {
        const ODD: __mmask32 = 0xAAAA_AAAA;
        let (even, odd) = (even.0, odd.0);
        // SAFETY: the vectors prove AVX-512 BW. Byte `i` comes into the low byte of the even words and of the odd ones.
        unsafe {
            [
                Bytes(_mm512_mask_blend_epi16(ODD, even, _mm512_slli_epi32::<16>(odd))),
                Bytes(_mm512_mask_blend_epi16(ODD, _mm512_srli_epi32::<8>(even), _mm512_slli_epi32::<8>(odd))),
                Bytes(_mm512_mask_blend_epi16(ODD, _mm512_srli_epi32::<16>(even), odd)),
                Bytes(_mm512_mask_blend_epi16(ODD, _mm512_srli_epi32::<24>(even), _mm512_srli_epi32::<8>(odd))),
            ]
        }
    }

    #[inline(always)]
    fn tables(_: Simd<Self>, [a, b, c]: [[i8; 4]; 3]) -> [Self; 4] {
        /// The codes of the first two activations at each index, and of the third with a 0.
        const CODES: [[[u8; 2]; 32]; 2] = {
            let mut codes = [[[0; 2]; 32]; 2];
            let mut i = 0;
            while i < 27 {
                codes[0][i] = [i as u8 / 9, i as u8 / 3 % 3];
                codes[1][i] = [i as u8 % 3, 0];
                i += 1;
            }
            codes
        };
        let (a, b, c) = (bytemuck::cast(a), bytemuck::cast(b), bytemuck::cast(c));
        // SAFETY: `Simd` proves AVX-512 BW; an entry of `CODES` has 64 bytes, and the loads are unaligned. The
        // sums of two products stay below 2^15 in magnitude, so that nothing saturates.
        unsafe {
            // Word `i` has two activations, or one and anything.
            let two = _mm_unpacklo_epi8(_mm_cvtsi32_si128(a), _mm_cvtsi32_si128(b));
            let one = _mm_unpacklo_epi8(_mm_cvtsi32_si128(c), _mm_cvtsi32_si128(c));
            let mut tables = [Bytes(_mm512_setzero_si512()); 4];
            for (i, table) in tables.iter_mut().enumerate() {
                let i = _mm512_set1_epi16(i as i16);
                let two = _mm512_permutexvar_epi16(i, _mm512_castsi128_si512(two));
                let one = _mm512_permutexvar_epi16(i, _mm512_castsi128_si512(one));
                let two = _mm512_maddubs_epi16(_mm512_loadu_si512(CODES[0].as_ptr().cast()), two);
                let one = _mm512_maddubs_epi16(_mm512_loadu_si512(CODES[1].as_ptr().cast()), one);
                *table = Bytes(_mm512_add_epi16(two, one));
            }
            tables
        }
    }

    #[inline(always)]
    fn look_up(self, indices: Self) -> Self {
        // SAFETY: `self` proves AVX-512 BW. The instruction reads the low five bits of each index.
        Bytes(unsafe { _mm512_permutexvar_epi16(indices.0, self.0) })
    }

    #[inline(always)]
    fn add_words(self, other: Self) -> Self {
        // SAFETY: `self` proves AVX-512 BW.
        Bytes(unsafe { _mm512_add_epi16(self.0, other.0) })
    }

    #[inline(always)]
    fn shift_words<const BITS: u32>(self) -> Self {
        // SAFETY: `self` proves AVX-512 BW.
        Bytes(unsafe { _mm512_srli_epi16::<BITS>(self.0) })
    }

    #[inline(always)]
    fn append_bit(self, next: Self) -> Self {
        /// `a | b & c` for each bit.
        const OR_AND: i32 = 0b1111_1000;
        // SAFETY: `self` proves AVX-512 BW.
        Bytes(unsafe {
            let twice = _mm512_add_epi16(self.0, self.0);
            _mm512_ternarylogic_epi32::<OR_AND>(twice, next.0, _mm512_set1_epi16(1 << 5))
        })
    }

    #[inline(always)]
    fn accumulate_words(self, [even, odd]: [Sums; 2]) -> [Sums; 2] {
        // SAFETY: `self` proves AVX-512 VNNI.
        unsafe {
            [
                Sums(_mm512_dpwssd_epi32(even.0, self.0, _mm512_set1_epi32(1))),
                Sums(_mm512_dpwssd_epi32(odd.0, self.0, _mm512_set1_epi32(1 << 16))),
            ]
        }
    }
}

/// [`Vector::sum_parts`], in a vector.
#[inline(always)]
fn part_sums([a, b, c, d, e, f, g, h]: [Sums; 8]) -> Sums {
    // SAFETY: a `Sums` proves AVX-512.
    Sums(unsafe {
        // Quarters 0 and 1 of `low` have the sums of those quarters, all of part 0, of a, b, c, d; 2 and 3 those of
        // part 1. `high` has those of e, f, g, h.
        let low = add_pairs(add_pairs(a.0, b.0), add_pairs(c.0, d.0));
        let high = add_pairs(add_pairs(e.0, f.0), add_pairs(g.0, h.0));
        let [even, odd] = join_quarters(low, high);
        _mm512_add_epi32(even, odd)
    })
}

/// [`Vector::sum_halves`], in two vectors.
#[inline(always)]
fn half_sums([a, b, c, d, e, f, g, h]: [Sums; 8]) -> [Sums; 2] {
    // SAFETY: a `Sums` proves AVX-512.
    unsafe {
        // Each quarter, half a part, of `low` has the sums of that quarter of a, b, c, d; of `high` of e, f, g, h.
        let low = add_pairs(add_pairs(a.0, b.0), add_pairs(c.0, d.0));
        let high = add_pairs(add_pairs(e.0, f.0), add_pairs(g.0, h.0));
        let first = _mm512_permutex2var_epi64(low, _mm512_setr_epi64(0, 1, 8, 9, 2, 3, 10, 11), high);
        let second = _mm512_permutex2var_epi64(low, _mm512_setr_epi64(4, 5, 12, 13, 6, 7, 14, 15), high);
        [Sums(first), Sums(second)]
    }
}

/// Adds `(sums - minus) * factors` of the first `parts` halves of the vector to `acc`.
#[inline(always)]
fn fuse(sums: Sums, minus: &[i32; 16], factors: &[f32; 16], acc: &mut [f32; 8], parts: usize) {
    // SAFETY: a `Sums` proves AVX-512, and AVX-512 has the instructions of FMA; arrays have 64 and 32 bytes; loads and
    // the store are unaligned.
    unsafe {
        let sums = _mm512_cvtepi32_ps(_mm512_sub_epi32(sums.0, _mm512_loadu_epi32(minus.as_ptr())));
        let factors = factors.as_ptr();
        let mut next = _mm256_loadu_ps(acc.as_ptr());
        next = _mm256_fmadd_ps(_mm512_castps512_ps256(sums), _mm256_loadu_ps(factors), next);
        if parts > 1 {
            let sums = _mm256_castpd_ps(_mm512_extractf64x4_pd::<1>(_mm512_castps_pd(sums)));
            next = _mm256_fmadd_ps(sums, _mm256_loadu_ps(factors.add(8)), next);
        }
        _mm256_storeu_ps(acc.as_mut_ptr(), next);
    }
}

/// `x`, of which the compiler knows nothing: it would turn powers of three into products of bytes, which x86 does not
/// have and which take several instructions.
#[inline]
#[target_feature(enable = "avx512f")]
fn opaque(mut x: __m512i) -> __m512i {
    // SAFETY: there is no instruction in it.
    unsafe { asm!("/* {0} */", inout(zmm_reg) x, options(pure, nomem, nostack, preserves_flags)) };
    x
}

/// Sums of neighbouring `i32` in each quarter: `[x0 + x1, x2 + x3, y0 + y1, y2 + y3]`, as `vphaddd` does for 256 bits.
///
/// # Safety
/// The machine has AVX-512 F.
#[inline(always)]
pub(super) unsafe fn add_pairs(x: __m512i, y: __m512i) -> __m512i {
    // SAFETY: the caller vouches for AVX-512 F.
    unsafe {
        let (x, y) = (_mm512_castsi512_ps(x), _mm512_castsi512_ps(y));
        let even = _mm512_castps_si512(_mm512_shuffle_ps::<0b10_00_10_00>(x, y));
        let odd = _mm512_castps_si512(_mm512_shuffle_ps::<0b11_01_11_01>(x, y));
        _mm512_add_epi32(even, odd)
    }
}

/// The even quarters of each part of `low` and `high`, `[low 0, high 0, low 2, high 2]`, and the odd ones.
///
/// # Safety
/// The machine has AVX-512 F.
#[inline(always)]
unsafe fn join_quarters(low: __m512i, high: __m512i) -> [__m512i; 2] {
    // SAFETY: the caller vouches for AVX-512 F.
    unsafe {
        let even = _mm512_setr_epi64(0, 1, 8, 9, 4, 5, 12, 13);
        let odd = _mm512_setr_epi64(2, 3, 10, 11, 6, 7, 14, 15);
        [_mm512_permutex2var_epi64(low, even, high), _mm512_permutex2var_epi64(low, odd, high)]
    }
}

/// Transposes the 4 x 4 `i32` that four vectors have in each quarter.
///
/// # Safety
/// The machine has AVX-512 F.
#[inline(always)]
pub(super) unsafe fn transpose_quarters([a, b, c, d]: [__m512i; 4]) -> [__m512i; 4] {
    // SAFETY: the caller vouches for AVX-512 F.
    unsafe {
        let (ab_low, ab_high) = (_mm512_unpacklo_epi32(a, b), _mm512_unpackhi_epi32(a, b));
        let (cd_low, cd_high) = (_mm512_unpacklo_epi32(c, d), _mm512_unpackhi_epi32(c, d));
        [
            _mm512_unpacklo_epi64(ab_low, cd_low),
            _mm512_unpackhi_epi64(ab_low, cd_low),
            _mm512_unpacklo_epi64(ab_high, cd_high),
            _mm512_unpackhi_epi64(ab_high, cd_high),
        ]
    }
}
