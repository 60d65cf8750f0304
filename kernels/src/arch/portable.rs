//! [`Vector`] in plain Rust, for every machine; loops of fixed length, which the compiler vectorises.

use super::Vector;
use crate::arch::floats::Portable;

/// 32 bytes: one part, eight lanes.
#[derive(Clone, Copy)]
pub(crate) struct Bytes([u8; 32]);

impl Bytes {
    #[inline(always)]
    fn map(self, f: impl Fn(u8) -> u8) -> Self {
        Bytes(self.0.map(f))
    }
}

impl Vector for Bytes {
    const PARTS: usize = 1;
    // A lane grows by at most 4 * 2 * 128 a step.
    const RUN: usize = i32::MAX as usize / 1024;
    const TOKENS: usize = 2;

    type Run = [i32; 8];
    type Sums = [i32; 8];
    type Floats = Portable;

    #[inline(always)]
    unsafe fn floats() -> Portable {
        Portable
    }

    #[inline(always)]
    unsafe fn load_parts(parts: [*const u8; 2]) -> Self {
        // SAFETY: the caller vouches for 32 readable bytes at the first pointer.
        unsafe { Self::load(parts[0]) }
    }

    #[inline(always)]
    unsafe fn repeat_part(part: *const i8) -> Self {
        // SAFETY: the caller vouches for 32 readable bytes.
        unsafe { Self::load(part.cast()) }
    }

    #[inline(always)]
    unsafe fn repeat_lane(lane: *const i8) -> Self {
        // SAFETY: the caller vouches for 4 readable bytes; `[u8; 4]` has alignment 1.
        let lane = unsafe { lane.cast::<[u8; 4]>().read() };
        let mut bytes = [[0; 4]; 8];
        bytes.fill(lane);
        Bytes(*bytes.as_flattened().first_chunk().expect("eight lanes of four bytes"))
    }

    #[inline(always)]
    unsafe fn load(bytes: *const u8) -> Self {
        // SAFETY: the caller vouches for 32 readable bytes; `[u8; 32]` has alignment 1.
        Bytes(unsafe { bytes.cast::<[u8; 32]>().read() })
    }

    #[inline(always)]
    unsafe fn store(self, bytes: *mut u8) {
        // SAFETY: the caller vouches for 32 writable bytes; `[u8; 32]` has alignment 1.
        unsafe { bytes.cast::<[u8; 32]>().write(self.0) }
    }

    #[inline(always)]
    fn two_bits<const SHIFT: u32>(self) -> Self {
        self.map(|byte| byte >> SHIFT & 3)
    }

    #[inline(always)]
    fn triple(self) -> Self {
        self.map(|byte| byte.wrapping_mul(3))
    }

    #[inline(always)]
    fn leading_trit(self) -> Self {
        self.map(|byte| u8::from(byte >= 86) + u8::from(byte >= 171))
    }

    #[inline(always)]
    unsafe fn zero_run() -> [i32; 8] {
        [0; 8]
    }

    #[inline(always)]
    unsafe fn zero_sums() -> [i32; 8] {
        [0; 8]
    }

    #[inline(always)]
    fn dot(self, activations: Self, mut run: [i32; 8]) -> [i32; 8] {
        for (lane, sum) in run.iter_mut().enumerate() {
            for i in 4 * lane..4 * lane + 4 {
                *sum += i32::from(self.0[i]) * i32::from(activations.0[i] as i8);
            }
        }
        run
    }

    #[inline(always)]
    fn widen(run: [i32; 8], mut sums: [i32; 8]) -> [i32; 8] {
        for (sum, run) in sums.iter_mut().zip(run) {
            *sum += run;
        }
        sums
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
    fn lanes(sums: [i32; 8]) -> [i32; 16] {
        let mut out = [0; 16];
        out[..8].copy_from_slice(&sums);
        out
    }
}
