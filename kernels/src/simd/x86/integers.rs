//! The operations of [`integers`](crate::simd::integers) with AVX2: two registers of 32 bytes.

use core::arch::x86_64::*;

use super::avx2::transpose_quarters;
use super::floats::Avx2;
use crate::simd::floats::{Floats, LANES};
use crate::simd::integers::{BYTES, Integers, Words};

/// Two registers. [`Integers::Dots`] are sixteen `i16` in each, the sums of two neighbouring products.
type Pair = [__m256i; 2];

impl Integers for Avx2 {
    type Floats = Avx2;
    type Bytes = Pair;
    type Dots = Pair;
    type Weights = Pair;
    type Sums = Pair;

    #[inline(always)]
    fn floats(self) -> Avx2 {
        self
    }

    #[inline(always)]
    fn load(self, from: &[i8; BYTES]) -> Pair {
        let from = from.as_ptr().cast::<__m256i>();
        // SAFETY: `self` proves AVX2; the 64 bytes at `from` are read as two unaligned registers.
        unsafe { [_mm256_loadu_si256(from), _mm256_loadu_si256(from.add(1))] }
    }

    #[inline(always)]
    fn runs<const COUNT: usize, const STRIDE: usize, const AT: usize>(self, blocks: &[u8]) -> Pair {
        const { assert!(COUNT == 1 || COUNT == 2 || COUNT == 4) };
        assert!(blocks.len() >= (COUNT - 1) * STRIDE + AT + BYTES / COUNT, "{COUNT} blocks");
        let from = blocks.as_ptr().wrapping_add(AT);
        // SAFETY: `self` proves AVX2; the assertion is that the last of the unaligned loads ends in `blocks`.
        unsafe {
            if COUNT == 4 {
                let run = |b: usize| from.add(b * STRIDE).cast::<__m128i>();
                [_mm256_loadu2_m128i(run(1), run(0)), _mm256_loadu2_m128i(run(3), run(2))]
            } else {
                let second = if COUNT == 2 { STRIDE } else { 32 };
                [_mm256_loadu_si256(from.cast()), _mm256_loadu_si256(from.add(second).cast())]
            }
        }
    }

    #[inline(always)]
    fn halves<const COUNT: usize, const STRIDE: usize, const AT: usize>(self, blocks: &[u8]) -> [__m256; 2] {
        const { assert!((COUNT == 2 || COUNT == 4) && AT + 8 <= STRIDE && STRIDE >= 16) };
        assert!(blocks.len() >= COUNT * STRIDE, "{COUNT} blocks");
        if COUNT == 2 {
            let half = |b: usize| [blocks[b * STRIDE + AT], blocks[b * STRIDE + AT + 1]];
            let floats = self.floats();
            return [floats.splat_f16(half(0))[0], floats.splat_f16(half(1))[0]];
        }
        let from = blocks.as_ptr().wrapping_add(AT);
        // SAFETY: `self` proves AVX2 and F16C; each load reads eight bytes from `AT` of a block, which ends after them,
        // and `blocks` has all blocks.
        unsafe {
            let load = |b: usize| _mm_loadl_epi64(from.add(b * STRIDE).cast());
            let low = _mm_unpacklo_epi16(load(0), load(1));
            let high = _mm_unpacklo_epi16(load(2), load(3));
            let halves = _mm256_castps128_ps256(_mm_cvtph_ps(_mm_unpacklo_epi32(low, high)));
            [
                _mm256_permutevar8x32_ps(halves, _mm256_setr_epi32(0, 0, 0, 0, 1, 1, 1, 1)),
                _mm256_permutevar8x32_ps(halves, _mm256_setr_epi32(2, 2, 2, 2, 3, 3, 3, 3)),
            ]
        }
    }

    #[inline(always)]
    fn nibbles(self, bytes: Pair) -> [Pair; 2] {
        // SAFETY: `self` proves AVX2. Bits that a 16-bit shift moves across bytes land above the four that are kept.
        unsafe {
            let mask = _mm256_set1_epi8(15);
            let low = [_mm256_and_si256(bytes[0], mask), _mm256_and_si256(bytes[1], mask)];
            let high = [_mm256_srli_epi16::<4>(bytes[0]), _mm256_srli_epi16::<4>(bytes[1])];
            [low, [_mm256_and_si256(high[0], mask), _mm256_and_si256(high[1], mask)]]
        }
    }

    #[inline(always)]
    fn six_bits(self, low: Pair, upper: &[u8; 32]) -> [Pair; 2] {
        let [[a, b], [c, d]] = self.nibbles(low);
        // SAFETY: `self` proves AVX2; `upper` has the 32 bytes of the unaligned load. Bits that a 16-bit shift moves
        // across bytes are not in the mask.
        unsafe {
            let upper = _mm256_loadu_si256(upper.as_ptr().cast());
            let mask = _mm256_set1_epi8(0x30);
            let first = _mm256_and_si256(_mm256_slli_epi16::<4>(upper), mask);
            let second = _mm256_and_si256(_mm256_slli_epi16::<2>(upper), mask);
            let third = _mm256_and_si256(upper, mask);
            let fourth = _mm256_and_si256(_mm256_srli_epi16::<2>(upper), mask);
            [
                [_mm256_or_si256(a, first), _mm256_or_si256(b, second)],
                [_mm256_or_si256(c, third), _mm256_or_si256(d, fourth)],
            ]
        }
    }

    #[inline(always)]
    fn dot(self, codes: Pair, x: Pair) -> Pair {
        // SAFETY: `self` proves AVX2. The two products of `vpmaddubsw` are at most 63 * 127 each and do not saturate.
        unsafe { [_mm256_maddubs_epi16(codes[0], x[0]), _mm256_maddubs_epi16(codes[1], x[1])] }
    }

    #[inline(always)]
    fn dot_signed(self, codes: Pair, x: Pair) -> Pair {
        // SAFETY: `self` proves AVX2. Magnitudes of codes are up to 128 and those of `x` up to 127: `vpsignb` negates
        // `x` without overflow, and two products, at most 32512 together, do not saturate.
        unsafe {
            let of = |codes, x| _mm256_maddubs_epi16(_mm256_abs_epi8(codes), _mm256_sign_epi8(x, codes));
            [of(codes[0], x[0]), of(codes[1], x[1])]
        }
    }

    #[inline(always)]
    fn add_dots(self, a: Pair, b: Pair) -> Pair {
        // SAFETY: `self` proves AVX2. Sums of two products of up to 31 * 127 each stay far inside `i16`.
        unsafe { [_mm256_add_epi16(a[0], b[0]), _mm256_add_epi16(a[1], b[1])] }
    }

    #[inline(always)]
    fn combine(self, high: Pair, low: Pair) -> Pair {
        // SAFETY: `self` proves AVX2.
        unsafe {
            let (one, many) = (_mm256_set1_epi16(1), _mm256_set1_epi16(255));
            let of = |high, low| _mm256_add_epi32(_mm256_madd_epi16(high, many), _mm256_madd_epi16(low, one));
            [of(high[0], low[0]), of(high[1], low[1])]
        }
    }

    #[inline(always)]
    fn group_weights(self, factors: &[i8; 16]) -> [Pair; 4] {
        // SAFETY: `self` proves AVX2; `factors` has the 16 bytes of the unaligned load.
        unsafe {
            let even_odd = _mm_setr_epi8(0, 2, 4, 6, 8, 10, 12, 14, 1, 3, 5, 7, 9, 11, 13, 15);
            let factors = _mm_shuffle_epi8(_mm_loadu_si128(factors.as_ptr().cast()), even_odd);
            // The lower half has the even factors as words, the upper half the odd ones.
            let words = _mm256_cvtepi8_epi16(factors);
            let word = |i: i16| _mm256_shuffle_epi8(words, _mm256_set1_epi16(((2 * i + 1) << 8) | (2 * i)));
            [[word(0), word(1)], [word(2), word(3)], [word(4), word(5)], [word(6), word(7)]]
        }
    }

    #[inline(always)]
    fn weigh(self, dots: Pair, weights: Pair, sums: Pair) -> Pair {
        // SAFETY: `self` proves AVX2.
        unsafe {
            [
                _mm256_add_epi32(sums[0], _mm256_madd_epi16(dots[0], weights[0])),
                _mm256_add_epi32(sums[1], _mm256_madd_epi16(dots[1], weights[1])),
            ]
        }
    }

    #[inline(always)]
    fn pair_products(self, a: &[i8; 16], b: &[i16; 16]) -> Pair {
        // SAFETY: `self` proves AVX2; the arrays have the 16 and 32 bytes of the unaligned loads.
        unsafe {
            let a = _mm256_cvtepi8_epi16(_mm_loadu_si128(a.as_ptr().cast()));
            [_mm256_madd_epi16(a, _mm256_loadu_si256(b.as_ptr().cast())), _mm256_setzero_si256()]
        }
    }

    #[inline(always)]
    fn zero(self) -> Pair {
        // SAFETY: `self` proves AVX2.
        unsafe { [_mm256_setzero_si256(); 2] }
    }

    #[inline(always)]
    fn load_sums(self, from: &[i32; LANES]) -> Pair {
        let from = from.as_ptr().cast::<__m256i>();
        // SAFETY: `self` proves AVX2; the sixteen numbers at `from` are read as two unaligned registers.
        unsafe { [_mm256_loadu_si256(from), _mm256_loadu_si256(from.add(1))] }
    }

    #[inline(always)]
    fn sub(self, a: Pair, b: Pair) -> Pair {
        // SAFETY: `self` proves AVX2.
        unsafe { [_mm256_sub_epi32(a[0], b[0]), _mm256_sub_epi32(a[1], b[1])] }
    }

    #[inline(always)]
    fn sum_quads(self, [a, b, c, d]: [Pair; 4]) -> Pair {
        // SAFETY: `self` proves AVX2.
        unsafe {
            // The lower half has the even quads of both vectors, the upper half the odd ones.
            let of = |a: Pair, b: Pair| {
                let sums = _mm256_hadd_epi32(_mm256_hadd_epi32(a[0], a[1]), _mm256_hadd_epi32(b[0], b[1]));
                _mm256_permutevar8x32_epi32(sums, _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7))
            };
            [of(a, b), of(c, d)]
        }
    }

    #[inline(always)]
    fn to_f32(self, sums: Pair) -> [__m256; 2] {
        // SAFETY: `self` proves AVX2.
        unsafe { [_mm256_cvtepi32_ps(sums[0]), _mm256_cvtepi32_ps(sums[1])] }
    }
}

impl Words for Avx2 {
    /// The even bytes of all lanes, and the odd ones.
    type Words = [Pair; 2];

    #[inline(always)]
    fn words(self, bytes: Pair) -> [Pair; 2] {
        // SAFETY: `self` proves AVX2.
        let even = |bytes| unsafe { _mm256_srai_epi16::<8>(_mm256_slli_epi16::<8>(bytes)) };
        // SAFETY: `self` proves AVX2.
        let odd = |bytes| unsafe { _mm256_srai_epi16::<8>(bytes) };
        [[even(bytes[0]), even(bytes[1])], [odd(bytes[0]), odd(bytes[1])]]
    }

    #[inline(always)]
    fn add_word_products(self, words: [Pair; 2], x: &[i16; BYTES], sums: Pair) -> Pair {
        let x = x.as_ptr().cast::<__m256i>();
        // SAFETY: `self` proves AVX2; the 64 words at `x` are read as four unaligned registers.
        unsafe {
            let add = |sums, words, x| _mm256_add_epi32(sums, _mm256_madd_epi16(words, _mm256_loadu_si256(x)));
            let sums = [add(sums[0], words[0][0], x), add(sums[1], words[0][1], x.add(1))];
            [add(sums[0], words[1][0], x.add(2)), add(sums[1], words[1][1], x.add(3))]
        }
    }

    #[inline(always)]
    fn transpose_quads(self, [a, b, c, d]: [Pair; 4]) -> [Pair; 4] {
        // SAFETY: `self` proves AVX2. Each register has two quarters.
        let (low, high) =
            unsafe { (transpose_quarters([a[0], b[0], c[0], d[0]]), transpose_quarters([a[1], b[1], c[1], d[1]])) };
        [[low[0], high[0]], [low[1], high[1]], [low[2], high[2]], [low[3], high[3]]]
    }

    #[inline(always)]
    fn swap_quads(self, v: [__m256; 2]) -> [__m256; 2] {
        let (mut lanes, mut swapped) = ([0.0; LANES], [0.0; LANES]);
        Floats::store(self.floats(), v, &mut lanes);
        for (lane, swapped) in swapped.iter_mut().enumerate() {
            *swapped = lanes[lane % 4 * 4 + lane / 4];
        }
        Floats::load(self.floats(), &swapped)
    }
}
