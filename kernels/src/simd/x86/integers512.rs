//! The operations of [`integers`](crate::simd::integers) with AVX-512 and VNNI: one register of 64 bytes, whose lanes
//! `vpdpbusd` and `vpdpwssd` add up as they are.

use core::arch::asm;
use core::arch::x86_64::*;

use super::avx512::{add_pairs, transpose_quarters};
use super::floats::Avx512;
use crate::simd::floats::{Floats, LANES};
use crate::simd::integers::{BYTES, Integers, Words};

impl Integers for Avx512 {
    type Floats = Avx512;
    type Bytes = __m512i;
    /// Sixteen `i32`.
    type Dots = __m512i;
    /// The factor in the lower half of each lane, zero in the upper half.
    type Weights = __m512i;
    type Sums = __m512i;

    #[inline(always)]
    fn floats(self) -> Avx512 {
        self
    }

    #[inline(always)]
    fn load(self, from: &[i8; BYTES]) -> __m512i {
        // SAFETY: `self` proves AVX-512 F; the 64 bytes at `from` are read, at any alignment.
        unsafe { _mm512_loadu_si512(from.as_ptr().cast()) }
    }

    #[inline(always)]
    fn runs<const COUNT: usize, const STRIDE: usize, const AT: usize>(self, blocks: &[u8]) -> __m512i {
        const { assert!(COUNT == 1 || COUNT == 2 || COUNT == 4) };
        assert!(blocks.len() >= (COUNT - 1) * STRIDE + AT + BYTES / COUNT, "{COUNT} blocks");
        let run = |b: usize| blocks.as_ptr().wrapping_add(AT + b * STRIDE);
        // SAFETY: `self` proves AVX-512 F; the assertion is that the last of the unaligned loads ends in `blocks`.
        unsafe {
            match COUNT {
                1 => _mm512_loadu_si512(run(0).cast()),
                2 => {
                    let low = _mm512_castsi256_si512(_mm256_loadu_si256(run(0).cast()));
                    _mm512_inserti64x4::<1>(low, _mm256_loadu_si256(run(1).cast()))
                }
                _ => {
                    let halves = |low: *const u8, high: *const u8| _mm256_loadu2_m128i(high.cast(), low.cast());
                    let low = _mm512_castsi256_si512(halves(run(0), run(1)));
                    _mm512_inserti64x4::<1>(low, halves(run(2), run(3)))
                }
            }
        }
    }

    #[inline(always)]
    fn halves<const COUNT: usize, const STRIDE: usize, const AT: usize>(self, blocks: &[u8]) -> __m512 {
        const { assert!((COUNT == 2 || COUNT == 4) && AT + 8 <= STRIDE && STRIDE >= 16) };
        assert!(blocks.len() >= COUNT * STRIDE, "{COUNT} blocks");
        if const { COUNT == 4 && 3 * STRIDE + AT + 2 <= BYTES && AT.is_multiple_of(2) && STRIDE.is_multiple_of(2) } {
            // All are in the first 64 bytes: word `(b * STRIDE + AT) / 2` for the lanes of block `b`.
            let mut words = [0; 2 * LANES];
            for (lane, word) in words.iter_mut().enumerate().take(LANES) {
                *word = ((lane * COUNT / LANES * STRIDE + AT) / 2) as i16;
            }
            // SAFETY: `self` proves AVX-512 F and BW; `words` has 64 bytes, and so have four blocks of 16 bytes or
            // more.
            return unsafe {
                let from = _mm512_loadu_si512(blocks[..BYTES].as_ptr().cast());
                let halves = _mm512_permutexvar_epi16(_mm512_loadu_si512(words.as_ptr().cast()), from);
                _mm512_cvtph_ps(_mm512_castsi512_si256(halves))
            };
        }
        let half = |b: usize| [blocks[b * STRIDE + AT], blocks[b * STRIDE + AT + 1]];
        if COUNT == 2 {
            let (low, high) = (self.floats().splat_f16(half(0)), self.floats().splat_f16(half(1)));
            // SAFETY: `self` proves AVX-512 F.
            return unsafe { _mm512_mask_blend_ps(0xff00, low, high) };
        }
        let from = blocks.as_ptr().wrapping_add(AT);
        // SAFETY: `self` proves AVX-512 F and F16C; each load reads eight bytes from `AT` of a block, which ends after
        // them, and `blocks` has all blocks.
        unsafe {
            let load = |b: usize| _mm_loadl_epi64(from.add(b * STRIDE).cast());
            let low = _mm_unpacklo_epi16(load(0), load(1));
            let high = _mm_unpacklo_epi16(load(2), load(3));
            let halves = _mm512_castps128_ps512(_mm_cvtph_ps(_mm_unpacklo_epi32(low, high)));
            _mm512_permutexvar_ps(_mm512_setr_epi32(0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3), halves)
        }
    }

    #[inline(always)]
    fn nibbles(self, bytes: __m512i) -> [__m512i; 2] {
        // SAFETY: `self` proves AVX-512 BW. Bits that a 16-bit shift moves across bytes land above the four that are
        // kept.
        unsafe {
            let mask = _mm512_set1_epi8(15);
            [_mm512_and_si512(bytes, mask), _mm512_and_si512(_mm512_srli_epi16::<4>(bytes), mask)]
        }
    }

    #[inline(always)]
    fn six_bits(self, low: __m512i, upper: &[u8; 32]) -> [__m512i; 2] {
        let [first, second] = self.nibbles(low);
        // SAFETY: `self` proves AVX-512 BW; `upper` has the 32 bytes of the unaligned load. Each half of a vector wants
        // other bits, which a shift of its own brings to the mask. Bits that it moves across bytes are not in the mask.
        unsafe {
            let upper = _mm512_broadcast_i64x4(_mm256_loadu_si256(upper.as_ptr().cast()));
            let mask = _mm512_set1_epi8(0x30);
            let up = |low: i16, high: i16| _mm512_inserti64x4::<1>(_mm512_set1_epi16(low), _mm256_set1_epi16(high));
            let first_bits = _mm512_and_si512(_mm512_sllv_epi16(upper, up(4, 2)), mask);
            let second_bits = _mm512_and_si512(_mm512_srlv_epi16(upper, up(0, 2)), mask);
            [_mm512_or_si512(first, first_bits), _mm512_or_si512(second, second_bits)]
        }
    }

    #[inline(always)]
    fn dot(self, codes: __m512i, x: __m512i) -> __m512i {
        // SAFETY: `self` proves AVX-512 VNNI.
        unsafe { _mm512_dpbusd_epi32(_mm512_setzero_si512(), codes, x) }
    }

    #[inline(always)]
    fn dot_signed(self, codes: __m512i, x: __m512i) -> __m512i {
        // SAFETY: `self` proves AVX-512 BW and VNNI. Magnitudes of codes are up to 128, as unsigned bytes; those of `x`
        // up to 127, so that it can be negated.
        unsafe {
            let negative = _mm512_movepi8_mask(codes);
            let x = _mm512_mask_sub_epi8(x, negative, _mm512_setzero_si512(), x);
            _mm512_dpbusd_epi32(_mm512_setzero_si512(), _mm512_abs_epi8(codes), x)
        }
    }

    #[inline(always)]
    fn add_dots(self, a: __m512i, b: __m512i) -> __m512i {
        // SAFETY: `self` proves AVX-512 F.
        unsafe { _mm512_add_epi32(a, b) }
    }

    #[inline(always)]
    fn combine(self, high: __m512i, low: __m512i) -> __m512i {
        // SAFETY: `self` proves AVX-512 F.
        unsafe { _mm512_add_epi32(_mm512_sub_epi32(_mm512_slli_epi32::<8>(high), high), low) }
    }

    #[inline(always)]
    fn dot_of_planes<const N: usize>(self, codes: [__m512i; N], high: [__m512i; N], low: [__m512i; N]) -> __m512i {
        const { assert!(N == 1 || N == 2) };
        // SAFETY: `self` proves AVX-512 F and VNNI. A lane of the first sum is at most 4 * 63 * 127 or 8 * 31 * 127,
        // which fits in `i16`, so its lower half is its value; the upper half meets zero.
        unsafe {
            let mut sums = [_mm512_setzero_si512(); 2];
            for v in 0..N {
                sums[0] = _mm512_dpbusd_epi32(sums[0], codes[v], high[v]);
                sums[1] = _mm512_dpbusd_epi32(sums[1], codes[v], low[v]);
            }
            _mm512_dpwssd_epi32(sums[1], sums[0], _mm512_set1_epi32(255))
        }
    }

    #[inline(always)]
    fn group_weights(self, factors: &[i8; 16]) -> [__m512i; 4] {
        // SAFETY: `self` proves AVX-512 F and BW; `factors` has the 16 bytes of the unaligned load. Each quarter of
        // `numbers` has four factors as `i32`, and each quarter of a result one of them in all its lanes.
        unsafe {
            let numbers = _mm512_cvtepi8_epi32(_mm_loadu_si128(factors.as_ptr().cast()));
            let numbers = _mm512_and_si512(numbers, _mm512_set1_epi32(0xffff));
            let vector = |first: i32| {
                let step = _mm512_setr_epi32(0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3);
                _mm512_permutexvar_epi32(_mm512_add_epi32(step, _mm512_set1_epi32(first)), numbers)
            };
            [vector(0), vector(4), vector(8), vector(12)]
        }
    }

    #[inline(always)]
    fn weigh(self, dots: __m512i, weights: __m512i, sums: __m512i) -> __m512i {
        // SAFETY: `self` proves AVX-512 VNNI. A lane of `dots` fits in `i16`, so its lower half is its value; the upper
        // half meets zero.
        unsafe { _mm512_dpwssd_epi32(sums, dots, weights) }
    }

    #[inline(always)]
    fn pair_products(self, a: &[i8; 16], b: &[i16; 16]) -> __m512i {
        // SAFETY: `self` proves AVX2; the arrays have the 16 and 32 bytes of the unaligned loads.
        unsafe {
            let a = _mm256_cvtepi8_epi16(_mm_loadu_si128(a.as_ptr().cast()));
            _mm512_zextsi256_si512(_mm256_madd_epi16(a, _mm256_loadu_si256(b.as_ptr().cast())))
        }
    }

    #[inline(always)]
    fn zero(self) -> __m512i {
        // SAFETY: `self` proves AVX-512 F.
        unsafe { _mm512_setzero_si512() }
    }

    #[inline(always)]
    fn load_sums(self, from: &[i32; LANES]) -> __m512i {
        // SAFETY: `self` proves AVX-512 F; the sixteen numbers at `from` are read, at any alignment.
        unsafe { _mm512_loadu_si512(from.as_ptr().cast()) }
    }

    #[inline(always)]
    fn sub(self, a: __m512i, b: __m512i) -> __m512i {
        // SAFETY: `self` proves AVX-512 F.
        unsafe { _mm512_sub_epi32(a, b) }
    }

    #[inline(always)]
    fn sum_quads(self, [a, b, c, d]: [__m512i; 4]) -> __m512i {
        // SAFETY: `self` proves AVX-512 F. Quarter `q` of the sums has the sums of the quarters `q` of a, b, c, d.
        unsafe {
            let sums = add_pairs(add_pairs(a, b), add_pairs(c, d));
            let transposed = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
            _mm512_permutexvar_epi32(transposed, sums)
        }
    }

    #[inline(always)]
    fn to_f32(self, sums: __m512i) -> __m512 {
        // SAFETY: `self` proves AVX-512 F.
        unsafe { _mm512_cvtepi32_ps(sums) }
    }
}

impl Words for Avx512 {
    /// The even bytes of all lanes, and the odd ones.
    type Words = [__m512i; 2];

    #[inline(always)]
    fn words(self, bytes: __m512i) -> [__m512i; 2] {
        // SAFETY: `self` proves AVX-512 BW.
        unsafe { [_mm512_srai_epi16::<8>(_mm512_slli_epi16::<8>(bytes)), _mm512_srai_epi16::<8>(bytes)] }
    }

    #[inline(always)]
    fn add_word_products(self, words: [__m512i; 2], x: &[i16; BYTES], sums: __m512i) -> __m512i {
        let x = x.as_ptr().cast::<__m512i>();
        // SAFETY: `self` proves AVX-512 VNNI; the 64 words at `x` are read as two unaligned registers.
        unsafe {
            let sums = add_pair_products(sums, words[0], _mm512_loadu_si512(x));
            add_pair_products(sums, words[1], _mm512_loadu_si512(x.add(1)))
        }
    }

    #[inline(always)]
    fn transpose_quads(self, vectors: [__m512i; 4]) -> [__m512i; 4] {
        // SAFETY: `self` proves AVX-512 F.
        unsafe { transpose_quarters(vectors) }
    }

    #[inline(always)]
    fn swap_quads(self, v: __m512) -> __m512 {
        // SAFETY: `self` proves AVX-512 F.
        unsafe { _mm512_permutexvar_ps(_mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15), v) }
    }
}

/// `sums` and the sums of the products of each pair of words: `vpdpwssd`. Compilers make a product and a sum of the
/// intrinsic, which is sooner done where sums wait for one another, and twice as many operations.
#[inline]
#[target_feature(enable = "avx512f,avx512vnni")]
fn add_pair_products(mut sums: __m512i, a: __m512i, b: __m512i) -> __m512i {
    // SAFETY: the instruction reads and writes the three registers alone.
    unsafe {
        asm!("vpdpwssd {0}, {1}, {2}", inout(zmm_reg) sums, in(zmm_reg) a, in(zmm_reg) b,
            options(pure, nomem, nostack, preserves_flags));
    }
    sums
}
