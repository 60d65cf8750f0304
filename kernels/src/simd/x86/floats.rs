//! The vector operations of [`floats`](super::floats) on x86-64: two 256-bit registers, or one of 512 bits.

use crate::simd::floats::{Floats, LANES};
use core::arch::x86_64::*;

/// Proof that AVX2, F16C and FMA are present.
#[derive(Clone, Copy)]
pub(crate) struct Avx2(());

impl Avx2 {
    /// # Safety
    /// The processor must have AVX2, F16C and FMA.
    #[inline(always)]
    pub(crate) unsafe fn new() -> Self {
        Avx2(())
    }
}

/// The words at eight of `places`, from entry `first` on: each goes from memory into its lane, as a load of what was
/// just stored would wait.
///
/// # Safety
/// The machine has AVX2, and each of the places is readable for two bytes.
#[inline(always)]
unsafe fn gather_words(places: &[*const u8; LANES], first: usize) -> __m128i {
    // SAFETY: the caller vouches for the places; reads are unaligned.
    let word = |lane: usize| unsafe { places[first + lane].cast::<i16>().read_unaligned() };
    // SAFETY: the caller vouches for AVX2.
    unsafe { _mm_setr_epi16(word(0), word(1), word(2), word(3), word(4), word(5), word(6), word(7)) }
}

impl Floats for Avx2 {
    type F32x16 = [__m256; 2];
    type I32x16 = [__m256i; 2];
    type Pairs = [__m256i; 2];
    const MANY_REGISTERS: bool = false;

    #[inline(always)]
    fn splat(self, value: f32) -> [__m256; 2] {
        // SAFETY: `self` proves that AVX, which AVX2 implies, is present.
        [unsafe { _mm256_set1_ps(value) }; 2]
    }

    #[inline(always)]
    fn load(self, from: &[f32; LANES]) -> [__m256; 2] {
        let from = from.as_ptr();
        // SAFETY: `self` proves AVX; the sixteen values at `from` are read as two unaligned groups of eight.
        unsafe { [_mm256_loadu_ps(from), _mm256_loadu_ps(from.add(8))] }
    }

    #[inline(always)]
    fn store(self, v: [__m256; 2], to: &mut [f32; LANES]) {
        let to = to.as_mut_ptr();
        // SAFETY: `self` proves AVX; the sixteen values at `to` are written as two unaligned groups of eight.
        unsafe {
            _mm256_storeu_ps(to, v[0]);
            _mm256_storeu_ps(to.add(8), v[1]);
        }
    }

    #[inline(always)]
    fn add(self, a: [__m256; 2], b: [__m256; 2]) -> [__m256; 2] {
        // SAFETY: `self` proves AVX.
        unsafe { [_mm256_add_ps(a[0], b[0]), _mm256_add_ps(a[1], b[1])] }
    }

    #[inline(always)]
    fn mul(self, a: [__m256; 2], b: [__m256; 2]) -> [__m256; 2] {
        // SAFETY: `self` proves AVX.
        unsafe { [_mm256_mul_ps(a[0], b[0]), _mm256_mul_ps(a[1], b[1])] }
    }

    #[inline(always)]
    fn mul_add(self, a: [__m256; 2], b: [__m256; 2], c: [__m256; 2]) -> [__m256; 2] {
        // SAFETY: `self` proves FMA.
        unsafe { [_mm256_fmadd_ps(a[0], b[0], c[0]), _mm256_fmadd_ps(a[1], b[1], c[1])] }
    }

    #[inline(always)]
    fn max(self, a: [__m256; 2], b: [__m256; 2]) -> [__m256; 2] {
        // SAFETY: `self` proves AVX. The instruction gives the second operand where neither is greater.
        unsafe { [_mm256_max_ps(a[0], b[0]), _mm256_max_ps(a[1], b[1])] }
    }

    #[inline(always)]
    fn largest(self, v: [__m256; 2]) -> f32 {
        // SAFETY: `self` proves AVX.
        unsafe { largest_of_eight(_mm256_max_ps(v[0], v[1])) }
    }

    #[inline(always)]
    fn low_bits_as_exponent(self, v: [__m256; 2]) -> [__m256; 2] {
        // SAFETY: `self` proves AVX2. The casts keep the bits.
        unsafe {
            let low = _mm256_slli_epi32::<23>(_mm256_castps_si256(v[0]));
            let high = _mm256_slli_epi32::<23>(_mm256_castps_si256(v[1]));
            [_mm256_castsi256_ps(low), _mm256_castsi256_ps(high)]
        }
    }

    #[inline(always)]
    fn to_i16(self, v: [__m256; 2]) -> [i16; LANES] {
        let mut numbers = [0; LANES];
        // SAFETY: `self` proves AVX2; the sixteen numbers are written at any alignment. Packing takes halves of 128
        // bits by turns, which the permutation brings into their order.
        unsafe {
            let packed = _mm256_packs_epi32(_mm256_cvtps_epi32(v[0]), _mm256_cvtps_epi32(v[1]));
            _mm256_storeu_si256(numbers.as_mut_ptr().cast(), _mm256_permute4x64_epi64::<0b11_01_10_00>(packed));
        }
        numbers
    }

    #[inline(always)]
    fn sum(self, v: [__m256; 2]) -> f32 {
        // SAFETY: `self` proves AVX.
        unsafe { sum_eight(_mm256_add_ps(v[0], v[1])) }
    }

    #[inline(always)]
    fn splat_f16(self, from: [u8; 2]) -> [__m256; 2] {
        // SAFETY: `self` proves AVX2 and F16C.
        [unsafe { _mm256_cvtph_ps(_mm_set1_epi16(i16::from_le_bytes(from))) }; 2]
    }

    #[inline(always)]
    fn widen_i8(self, from: [i8; LANES]) -> [__m256; 2] {
        let from = from.as_ptr().cast::<__m128i>();
        // SAFETY: `self` proves AVX2; the sixteen bytes at `from` are read, at any alignment, and the shift of the
        // register by eight bytes leaves the upper half of them.
        unsafe {
            let bytes = _mm_loadu_si128(from);
            let (low, high) = (_mm256_cvtepi8_epi32(bytes), _mm256_cvtepi8_epi32(_mm_srli_si128::<8>(bytes)));
            [_mm256_cvtepi32_ps(low), _mm256_cvtepi32_ps(high)]
        }
    }

    #[inline(always)]
    fn load_f16(self, from: &[u8; 2 * LANES]) -> [__m256; 2] {
        let from = from.as_ptr().cast::<__m128i>();
        // SAFETY: `self` proves AVX2 and F16C; the 32 bytes at `from` are read as two unaligned groups of sixteen.
        unsafe { [_mm256_cvtph_ps(_mm_loadu_si128(from)), _mm256_cvtph_ps(_mm_loadu_si128(from.add(1)))] }
    }

    #[inline(always)]
    unsafe fn gather_f16(self, places: &[*const u8; LANES]) -> [__m256; 2] {
        // SAFETY: `self` proves AVX2 and F16C; the caller vouches for the places.
        unsafe { [_mm256_cvtph_ps(gather_words(places, 0)), _mm256_cvtph_ps(gather_words(places, 8))] }
    }

    #[inline(always)]
    fn zeros_i32(self) -> [__m256i; 2] {
        // SAFETY: `self` proves AVX2.
        [unsafe { _mm256_setzero_si256() }; 2]
    }

    #[inline(always)]
    fn load_pairs(self, from: &[i8; 2 * LANES]) -> [__m256i; 2] {
        let from = from.as_ptr().cast::<__m128i>();
        // SAFETY: `self` proves AVX2; the 32 bytes at `from` are read as two unaligned groups of sixteen.
        unsafe { [_mm256_cvtepi8_epi16(_mm_loadu_si128(from)), _mm256_cvtepi8_epi16(_mm_loadu_si128(from.add(1)))] }
    }

    #[inline(always)]
    fn add_pair_products(self, sums: [__m256i; 2], pair: [i16; 2], pairs: [__m256i; 2]) -> [__m256i; 2] {
        // SAFETY: `self` proves AVX2.
        unsafe {
            let pair = _mm256_set1_epi32(pair_bits(pair));
            let products = [_mm256_madd_epi16(pair, pairs[0]), _mm256_madd_epi16(pair, pairs[1])];
            [_mm256_add_epi32(sums[0], products[0]), _mm256_add_epi32(sums[1], products[1])]
        }
    }

    #[inline(always)]
    fn add_i32(self, a: [__m256i; 2], b: [__m256i; 2]) -> [__m256i; 2] {
        // SAFETY: `self` proves AVX2.
        unsafe { [_mm256_add_epi32(a[0], b[0]), _mm256_add_epi32(a[1], b[1])] }
    }

    #[inline(always)]
    fn to_f32(self, v: [__m256i; 2]) -> [__m256; 2] {
        // SAFETY: `self` proves AVX2.
        unsafe { [_mm256_cvtepi32_ps(v[0]), _mm256_cvtepi32_ps(v[1])] }
    }
}

/// Proof that what [`run_avx512_vnni`](super::run_avx512_vnni) enables is present: AVX-512 F, BW, DQ, VL and VNNI,
/// AVX2, F16C and FMA.
#[derive(Clone, Copy)]
pub(crate) struct Avx512(());

impl Avx512 {
    /// # Safety
    /// The processor has them.
    #[inline(always)]
    pub(crate) unsafe fn new() -> Self {
        Avx512(())
    }
}

impl Floats for Avx512 {
    type F32x16 = __m512;
    type I32x16 = __m512i;
    type Pairs = __m512i;
    const MANY_REGISTERS: bool = true;

    #[inline(always)]
    fn splat(self, value: f32) -> __m512 {
        // SAFETY: `self` proves AVX-512 F.
        unsafe { _mm512_set1_ps(value) }
    }

    #[inline(always)]
    fn load(self, from: &[f32; LANES]) -> __m512 {
        // SAFETY: `self` proves AVX-512 F; `from` holds sixteen values and the load needs no alignment.
        unsafe { _mm512_loadu_ps(from.as_ptr()) }
    }

    #[inline(always)]
    fn store(self, v: __m512, to: &mut [f32; LANES]) {
        // SAFETY: `self` proves AVX-512 F; `to` holds sixteen values and the store needs no alignment.
        unsafe { _mm512_storeu_ps(to.as_mut_ptr(), v) }
    }

    #[inline(always)]
    fn add(self, a: __m512, b: __m512) -> __m512 {
        // SAFETY: `self` proves AVX-512 F.
        unsafe { _mm512_add_ps(a, b) }
    }

    #[inline(always)]
    fn mul(self, a: __m512, b: __m512) -> __m512 {
        // SAFETY: `self` proves AVX-512 F.
        unsafe { _mm512_mul_ps(a, b) }
    }

    #[inline(always)]
    fn mul_add(self, a: __m512, b: __m512, c: __m512) -> __m512 {
        // SAFETY: `self` proves AVX-512 F.
        unsafe { _mm512_fmadd_ps(a, b, c) }
    }

    #[inline(always)]
    fn max(self, a: __m512, b: __m512) -> __m512 {
        // SAFETY: `self` proves AVX-512 F. The instruction gives the second operand where neither is greater.
        unsafe { _mm512_max_ps(a, b) }
    }

    #[inline(always)]
    fn largest(self, v: __m512) -> f32 {
        // SAFETY: `self` proves AVX-512 F, which implies AVX. The casts keep the bits.
        unsafe {
            let high = _mm256_castpd_ps(_mm512_extractf64x4_pd::<1>(_mm512_castps_pd(v)));
            largest_of_eight(_mm256_max_ps(_mm512_castps512_ps256(v), high))
        }
    }

    #[inline(always)]
    fn low_bits_as_exponent(self, v: __m512) -> __m512 {
        // SAFETY: `self` proves AVX-512 F. The casts keep the bits.
        unsafe { _mm512_castsi512_ps(_mm512_slli_epi32::<23>(_mm512_castps_si512(v))) }
    }

    #[inline(always)]
    fn to_i16(self, v: __m512) -> [i16; LANES] {
        let mut numbers = [0; LANES];
        // SAFETY: `self` proves AVX-512 F; the sixteen numbers are written at any alignment.
        unsafe {
            let words = _mm512_cvtepi32_epi16(_mm512_cvtps_epi32(v));
            _mm256_storeu_si256(numbers.as_mut_ptr().cast(), words);
        }
        numbers
    }

    #[inline(always)]
    fn sum(self, v: __m512) -> f32 {
        // SAFETY: `self` proves AVX-512 F, which implies AVX. The casts keep the bits.
        unsafe {
            let high = _mm256_castpd_ps(_mm512_extractf64x4_pd::<1>(_mm512_castps_pd(v)));
            sum_eight(_mm256_add_ps(_mm512_castps512_ps256(v), high))
        }
    }

    #[inline(always)]
    fn splat_f16(self, from: [u8; 2]) -> __m512 {
        // SAFETY: `self` proves AVX-512 F, which implies AVX.
        unsafe { _mm512_cvtph_ps(_mm256_set1_epi16(i16::from_le_bytes(from))) }
    }

    #[inline(always)]
    fn widen_i8(self, from: [i8; LANES]) -> __m512 {
        // SAFETY: `self` proves AVX-512 F; `from` holds the sixteen bytes that the unaligned load reads.
        unsafe { _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(_mm_loadu_si128(from.as_ptr().cast()))) }
    }

    #[inline(always)]
    fn load_f16(self, from: &[u8; 2 * LANES]) -> __m512 {
        // SAFETY: `self` proves AVX-512 F; `from` holds the 32 bytes that the unaligned load reads.
        unsafe { _mm512_cvtph_ps(_mm256_loadu_si256(from.as_ptr().cast())) }
    }

    #[inline(always)]
    unsafe fn gather_f16(self, places: &[*const u8; LANES]) -> __m512 {
        // SAFETY: `self` proves AVX-512 F; the caller vouches for the places.
        unsafe { _mm512_cvtph_ps(_mm256_set_m128i(gather_words(places, 8), gather_words(places, 0))) }
    }

    #[inline(always)]
    fn zeros_i32(self) -> __m512i {
        // SAFETY: `self` proves AVX-512 F.
        unsafe { _mm512_setzero_si512() }
    }

    #[inline(always)]
    fn load_pairs(self, from: &[i8; 2 * LANES]) -> __m512i {
        // SAFETY: `self` proves AVX-512 BW; `from` holds the 32 bytes that the unaligned load reads.
        unsafe { _mm512_cvtepi8_epi16(_mm256_loadu_si256(from.as_ptr().cast())) }
    }

    #[inline(always)]
    fn add_pair_products(self, sums: __m512i, pair: [i16; 2], pairs: __m512i) -> __m512i {
        // SAFETY: `self` proves AVX-512 VNNI.
        unsafe { _mm512_dpwssd_epi32(sums, _mm512_set1_epi32(pair_bits(pair)), pairs) }
    }

    #[inline(always)]
    fn add_i32(self, a: __m512i, b: __m512i) -> __m512i {
        // SAFETY: `self` proves AVX-512 F.
        unsafe { _mm512_add_epi32(a, b) }
    }

    #[inline(always)]
    fn to_f32(self, v: __m512i) -> __m512 {
        // SAFETY: `self` proves AVX-512 F.
        unsafe { _mm512_cvtepi32_ps(v) }
    }
}

/// Both numbers in the order of memory.
#[inline(always)]
fn pair_bits([first, second]: [i16; 2]) -> i32 {
    i32::from(first as u16) | i32::from(second) << 16
}

/// Sum of eight lanes as a balanced tree: lanes 4 apart, then 2 and 1 apart.
///
/// # Safety
/// The processor must have AVX.
#[inline(always)]
unsafe fn sum_eight(v: __m256) -> f32 {
    // SAFETY: the caller vouches for AVX, which implies SSE.
    unsafe {
        let four = _mm_add_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps::<1>(v));
        let two = _mm_add_ps(four, _mm_movehl_ps(four, four));
        _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)))
    }
}

/// The largest of eight lanes.
///
/// # Safety
/// The processor must have AVX.
#[inline(always)]
unsafe fn largest_of_eight(v: __m256) -> f32 {
    // SAFETY: the caller vouches for AVX, which implies SSE3.
    unsafe {
        let four = _mm_max_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps::<1>(v));
        let two = _mm_max_ps(four, _mm_movehl_ps(four, four));
        _mm_cvtss_f32(_mm_max_ss(two, _mm_movehdup_ps(two)))
    }
}
