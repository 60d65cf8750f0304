//! [`Vector`] in plain Rust, for every machine: loops of fixed length over 16-bit words, which the compiler vectorises
//! with whatever the target has (SSE2 and NEON have what they need).

use super::{Simd, Vector};
use crate::simd::floats::Portable;

/// 32 bytes as words of two, in the byte order of the machine: one part, eight lanes of two words.
///
/// Which byte of a word comes first in memory does not matter: operations treat both alike.
#[derive(Clone, Copy)]
pub(crate) struct Bytes([u16; 16]);

impl Bytes {
    #[inline(always)]
    fn map(self, f: impl Fn(u16) -> u16) -> Self {
        Bytes(self.0.map(f))
    }

    /// Applies `f` to the low and the high byte of each word; its results are below 256.
    #[inline(always)]
    fn map_bytes(self, f: impl Fn(u16) -> u16) -> Self {
        self.map(|word| f(word & 0xff) | f(word >> 8) << 8)
    }
}

impl Vector for Bytes {
    const PARTS: usize = 1;
    // A step adds two products of a code up to 2 and an `i8`, a number in -512..=508, to each `i16` of a run: 64 steps
    // stay in -32768..=32512, which `i16` holds.
    const RUN: usize = 64;
    const TOKENS: usize = 4;

    type Run = [i16; 16];
    type Sums = [i32; 8];
    type Floats = Portable;
    type Integers = Portable;

    #[inline(always)]
    fn floats(_: Simd<Self>) -> Portable {
        Portable
    }

    #[inline(always)]
    fn integers(_: Simd<Self>) -> Portable {
        Portable
    }

    #[inline(always)]
    unsafe fn load_parts(simd: Simd<Self>, parts: [*const u8; 2]) -> Self {
        // SAFETY: the caller vouches for 32 readable bytes at the first pointer.
        unsafe { Self::load(simd, parts[0]) }
    }

    #[inline(always)]
    unsafe fn load_halves(_: Simd<Self>, halves: [*const u8; 4]) -> Self {
        let mut words = [0; 16];
        for (words, half) in words.as_chunks_mut::<8>().0.iter_mut().zip(halves) {
            // SAFETY: the caller vouches for 16 readable bytes; the read is unaligned.
            *words = unsafe { half.cast::<[u16; 8]>().read_unaligned() };
        }
        Bytes(words)
    }

    #[inline(always)]
    unsafe fn repeat_lane(_: Simd<Self>, lane: *const i8) -> Self {
        // SAFETY: the caller vouches for 4 readable bytes; the read is unaligned.
        let [low, high] = unsafe { lane.cast::<[u16; 2]>().read_unaligned() };
        Bytes(core::array::from_fn(|word| if word % 2 == 0 { low } else { high }))
    }

    #[inline(always)]
    unsafe fn load(_: Simd<Self>, bytes: *const u8) -> Self {
        // SAFETY: the caller vouches for 32 readable bytes; the read is unaligned.
        Bytes(unsafe { bytes.cast::<[u16; 16]>().read_unaligned() })
    }

    #[inline(always)]
    unsafe fn store(self, bytes: *mut u8) {
        // SAFETY: the caller vouches for 32 writable bytes; the write is unaligned.
        unsafe { bytes.cast::<[u16; 16]>().write_unaligned(self.0) }
    }

    #[inline(always)]
    fn transpose_lanes(vectors: [Self; 8]) -> [Self; 8] {
        core::array::from_fn(|j| Bytes(core::array::from_fn(|word| vectors[word / 2].0[2 * j + word % 2])))
    }

    #[inline(always)]
    fn two_bits<const SHIFT: u32>(self) -> Self {
        self.map(|word| word >> SHIFT & 0x0303)
    }

    #[inline(always)]
    fn nibbles(self) -> Self {
        let mut words = self.0;
        words[8..].iter_mut().for_each(|word| *word = *word >> 4 & 0x0f0f);
        Bytes(words)
    }

    #[inline(always)]
    fn bit_as_two<const BIT: u32>(self) -> Self {
        self.map(|word| (word << 1) >> BIT & 0x0202)
    }

    #[inline(always)]
    fn join_words(self, other: Self) -> Self {
        Bytes(core::array::from_fn(|word| if word % 2 == 0 { self.0[word] } else { other.0[word - 1] }))
    }

    #[inline(always)]
    fn triple(self) -> Self {
        self.map_bytes(|byte| (byte * 3) & 0xff)
    }

    #[inline(always)]
    fn leading_trit(self) -> Self {
        self.map_bytes(|byte| (byte * 3) >> 8)
    }

    #[inline(always)]
    fn zero_run(_: Simd<Self>) -> [i16; 16] {
        [0; 16]
    }

    #[inline(always)]
    fn zero_sums(_: Simd<Self>) -> [i32; 8] {
        [0; 8]
    }

    #[inline(always)]
    fn dot(self, activations: Self, run: [i16; 16]) -> [i16; 16] {
        // The compiler must not see that activations of several steps lie together: it would vectorise across steps
        // instead of across words, which is several times slower.
        let activations = core::hint::black_box(activations);
        let mut sums = run;
        for ((sum, codes), activations) in sums.iter_mut().zip(self.0).zip(activations.0) {
            let low = (codes & 0xff) as i16 * ((activations << 8) as i16 >> 8);
            let high = (codes >> 8) as i16 * (activations as i16 >> 8);
            *sum += low + high;
        }
        sums
    }

    #[inline(always)]
    fn widen(run: [i16; 16], sums: [i32; 8]) -> [i32; 8] {
        core::array::from_fn(|lane| sums[lane] + i32::from(run[2 * lane]) + i32::from(run[2 * lane + 1]))
    }

    #[inline(always)]
    fn sum_parts(sums: [[i32; 8]; 8]) -> [i32; 16] {
        let mut out = [0; 16];
        for (out, lanes) in out.iter_mut().zip(sums) {
            *out = lanes.iter().sum();
        }
        out
    }

    #[inline(always)]
    fn sum_halves(sums: [[i32; 8]; 8]) -> [i32; 32] {
        let mut out = [0; 32];
        for (vector, lanes) in sums.iter().enumerate() {
            for (half, lanes) in lanes.as_chunks::<4>().0.iter().enumerate() {
                out[8 * half + vector] = lanes.iter().sum();
            }
        }
        out
    }

    #[inline(always)]
    fn lanes(sums: [i32; 8]) -> [i32; 16] {
        let mut out = [0; 16];
        out[..8].copy_from_slice(&sums);
        out
    }
}
