//! [`Vector`] with the dot product `vpdpbusd` of 256 bits: AVX2 in everything else.
//!
//! The instruction has two encodings: VEX, where a processor has AVX-VNNI, and EVEX, where it has AVX-512 VL and VNNI.

use core::arch::x86_64::*;
use core::marker::PhantomData;

use super::avx2;
use super::floats::Avx2;
use crate::simd::vector::{BYTES_OF_TRITS_RUN, add_bytes_of_trits};
use crate::simd::{Simd, Vector};

/// How `vpdpbusd` is encoded.
pub(crate) trait Encoding: Copy {
    /// Adds to each lane the products of its four unsigned bytes of `codes` with the signed ones of `x`, wrapping
    /// around.
    ///
    /// # Safety
    /// The machine has the instruction in this encoding.
    unsafe fn dot(sums: __m256i, codes: __m256i, x: __m256i) -> __m256i;
}

/// The encoding of AVX-VNNI.
#[derive(Clone, Copy)]
pub(crate) struct Vex;

impl Encoding for Vex {
    #[inline(always)]
    unsafe fn dot(sums: __m256i, codes: __m256i, x: __m256i) -> __m256i {
        // SAFETY: the caller vouches for AVX-VNNI.
        unsafe { _mm256_dpbusd_avx_epi32(sums, codes, x) }
    }
}

/// The encoding of AVX-512 VL and VNNI.
#[derive(Clone, Copy)]
pub(crate) struct Evex;

impl Encoding for Evex {
    #[inline(always)]
    unsafe fn dot(sums: __m256i, codes: __m256i, x: __m256i) -> __m256i {
        // SAFETY: the caller vouches for AVX-512 VL and VNNI.
        unsafe { _mm256_dpbusd_epi32(sums, codes, x) }
    }
}

/// 32 bytes. A value exists only on a machine with AVX2, F16C, FMA and `vpdpbusd` in the encoding `E`.
#[derive(Clone, Copy)]
pub(crate) struct Bytes<E>(avx2::Bytes, PhantomData<E>);

impl<E> Bytes<E> {
    #[inline(always)]
    fn of(bytes: avx2::Bytes) -> Self {
        Bytes(bytes, PhantomData)
    }
}

/// Proof of AVX2.
#[inline(always)]
fn avx2<E: Encoding>(_: Simd<Bytes<E>>) -> Simd<avx2::Bytes> {
    // SAFETY: the proof is of AVX2 and more.
    unsafe { Simd::new() }
}

impl<E: Encoding> Vector for Bytes<E> {
    const PARTS: usize = 1;
    // A lane grows by at most 4 * 2 * 128 a step: 2^20 steps stay below 2^31.
    const RUN: usize = 1 << 20;
    const TOKENS: usize = 6;
    const TRITS_RUN: usize = BYTES_OF_TRITS_RUN;
    const RUNS_START: bool = true;

    type Run = avx2::Sums;
    type Sums = avx2::Sums;
    type Floats = Avx2;
    type Integers = Avx2;

    #[inline(always)]
    fn floats(simd: Simd<Self>) -> Avx2 {
        avx2::Bytes::floats(avx2(simd))
    }

    #[inline(always)]
    fn integers(simd: Simd<Self>) -> Avx2 {
        avx2::Bytes::integers(avx2(simd))
    }

    #[inline(always)]
    unsafe fn load_parts(simd: Simd<Self>, parts: [*const u8; 2]) -> Self {
        // SAFETY: the caller vouches for the bytes.
        Self::of(unsafe { avx2::Bytes::load_parts(avx2(simd), parts) })
    }

    #[inline(always)]
    unsafe fn load_halves(simd: Simd<Self>, halves: [*const u8; 4]) -> Self {
        // SAFETY: the caller vouches for the bytes.
        Self::of(unsafe { avx2::Bytes::load_halves(avx2(simd), halves) })
    }

    #[inline(always)]
    unsafe fn repeat_lane(simd: Simd<Self>, lane: *const i8) -> Self {
        // SAFETY: the caller vouches for the bytes.
        Self::of(unsafe { avx2::Bytes::repeat_lane(avx2(simd), lane) })
    }

    #[inline(always)]
    unsafe fn load(simd: Simd<Self>, bytes: *const u8) -> Self {
        // SAFETY: the caller vouches for the bytes.
        Self::of(unsafe { avx2::Bytes::load(avx2(simd), bytes) })
    }

    #[inline(always)]
    unsafe fn store(self, bytes: *mut u8) {
        // SAFETY: the caller vouches for the bytes.
        unsafe { self.0.store(bytes) }
    }

    #[inline(always)]
    fn transpose_lanes([a, b, c, d, e, f, g, h]: [Self; 8]) -> [Self; 8] {
        let [a, b, c, d, e, f, g, h] = avx2::Bytes::transpose_lanes([a.0, b.0, c.0, d.0, e.0, f.0, g.0, h.0]);
        [Self::of(a), Self::of(b), Self::of(c), Self::of(d), Self::of(e), Self::of(f), Self::of(g), Self::of(h)]
    }

    #[inline(always)]
    fn two_bits<const SHIFT: u32>(self) -> Self {
        Self::of(self.0.two_bits::<SHIFT>())
    }

    #[inline(always)]
    fn nibbles(self) -> Self {
        Self::of(self.0.nibbles())
    }

    #[inline(always)]
    fn bit_as_two<const BIT: u32>(self) -> Self {
        Self::of(self.0.bit_as_two::<BIT>())
    }

    #[inline(always)]
    fn join_words(self, other: Self) -> Self {
        Self::of(self.0.join_words(other.0))
    }

    #[inline(always)]
    fn triple(self) -> Self {
        Self::of(self.0.triple())
    }

    #[inline(always)]
    fn leading_trit(self) -> Self {
        Self::of(self.0.leading_trit())
    }

    #[inline(always)]
    fn zero_run(simd: Simd<Self>) -> avx2::Sums {
        avx2::Bytes::zero_sums(avx2(simd))
    }

    #[inline(always)]
    fn run_from(_: Simd<Self>, start: i32) -> avx2::Sums {
        // SAFETY: `Simd` proves AVX2.
        avx2::Sums(unsafe { _mm256_set1_epi32(start) })
    }

    #[inline(always)]
    fn zero_sums(simd: Simd<Self>) -> avx2::Sums {
        avx2::Bytes::zero_sums(avx2(simd))
    }

    #[inline(always)]
    fn dot(self, activations: Self, run: avx2::Sums) -> avx2::Sums {
        // SAFETY: `self` proves that the machine has the instruction in the encoding `E`.
        avx2::Sums(unsafe { E::dot(run.0, self.0.0, activations.0.0) })
    }

    #[inline(always)]
    fn ordering_fence(run: avx2::Sums, next: Self) -> (avx2::Sums, Self) {
        // SAFETY: `next` proves AVX2.
        let (run, next) = unsafe { avx2::ordering_fence(run.0, next.0.0) };
        (avx2::Sums(run), Self::of(avx2::Bytes(next)))
    }

    #[inline(always)]
    fn add_trits(self, activations: Self, runs: &mut [avx2::Sums; 2]) -> Self {
        add_bytes_of_trits(self, activations, runs)
    }

    #[inline(always)]
    fn widen_trits([run, next]: [avx2::Sums; 2], sums: avx2::Sums) -> avx2::Sums {
        // SAFETY: a `Sums` proves AVX2. `vpdpbusd` wraps around, and so do these additions.
        let digits = avx2::Sums(unsafe {
            let thrice = _mm256_add_epi32(run.0, _mm256_add_epi32(run.0, run.0));
            _mm256_srai_epi32::<8>(_mm256_sub_epi32(thrice, next.0))
        });
        Self::widen(digits, sums)
    }

    #[inline(always)]
    fn widen(run: avx2::Sums, sums: avx2::Sums) -> avx2::Sums {
        // SAFETY: a `Sums` proves AVX2.
        avx2::Sums(unsafe { _mm256_add_epi32(run.0, sums.0) })
    }

    #[inline(always)]
    fn sum_parts(sums: [avx2::Sums; 8]) -> [i32; 16] {
        avx2::Bytes::sum_parts(sums)
    }

    #[inline(always)]
    fn sum_small_parts(sums: [avx2::Sums; 8]) -> [i32; 16] {
        avx2::Bytes::sum_small_parts(sums)
    }

    #[inline(always)]
    fn sum_halves(sums: [avx2::Sums; 8]) -> [i32; 32] {
        avx2::Bytes::sum_halves(sums)
    }

    #[inline(always)]
    fn fuse_parts(sums: [avx2::Sums; 8], minus: &[i32; 16], factors: &[f32; 16], acc: &mut [f32; 8], parts: usize) {
        avx2::Bytes::fuse_parts(sums, minus, factors, acc, parts);
    }

    #[inline(always)]
    fn fuse_halves(sums: [avx2::Sums; 8], minus: &[i32; 32], factors: &[f32; 32], acc: &mut [f32; 8], halves: usize) {
        avx2::Bytes::fuse_halves(sums, minus, factors, acc, halves);
    }

    #[inline(always)]
    fn add_scaled(
        sums: avx2::Sums,
        minus: i32,
        factor: f32,
        weight_factors: &[f32; 16],
        to: &mut [i32; 16],
        fused: bool,
    ) {
        avx2::Bytes::add_scaled(sums, minus, factor, weight_factors, to, fused);
    }

    #[inline(always)]
    fn lanes(sums: avx2::Sums) -> [i32; 16] {
        avx2::Bytes::lanes(sums)
    }

    #[inline(always)]
    fn add_lanes(sums: avx2::Sums, to: &mut [i32; 16]) {
        avx2::Bytes::add_lanes(sums, to);
    }
}
