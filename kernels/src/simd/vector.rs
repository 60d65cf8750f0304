//! The few vector operations that ternary products need.
//!
//! What belongs here: the trait, with the meaning and the bounds of each operation. What does not: its implementations
//! (one file for each instruction set) and the algorithms written with it ([`crate::product::ternary`]).

use core::marker::PhantomData;

use crate::simd::floats::Floats;
use crate::simd::fused::mul_add_one as mul_add;
use crate::simd::integers::Integers;

/// Proof that the machine has the instructions of `V`.
pub(crate) struct Simd<V>(PhantomData<V>);

impl<V> Clone for Simd<V> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<V> Copy for Simd<V> {}

impl<V: Vector> Simd<V> {
    /// # Safety
    /// The machine has the instructions of `V`.
    #[inline(always)]
    pub(super) unsafe fn new() -> Self {
        Simd(PhantomData)
    }
}

/// A vector of bytes: one or two *parts* of 32 bytes, or eight or sixteen *lanes* of four bytes.
///
/// A dot product is accumulated in two stages. A [`Vector::Run`] takes up to [`Vector::RUN`] steps of [`Vector::dot`],
/// then it is widened into [`Vector::Sums`], whose lanes are `i32`. Both are exact within the stated bounds.
///
/// A value of an implementing type, of its runs or of its sums is a proof that the machine has its instructions, as
/// each comes from a function that takes a [`Simd`] or such a value.
pub(crate) trait Vector: Copy {
    /// Parts of 32 bytes: 1 or 2.
    const PARTS: usize;
    /// Lanes of four bytes: `8 * PARTS`.
    const LANES: usize = 8 * Self::PARTS;
    /// Steps of [`Vector::dot`] that a run holds without overflow, for codes up to 2 and any `i8`.
    const RUN: usize;
    /// Tokens of one register tile of [`crate::product::ternary`]'s matrix product, with two vectors of rows: 4, 6 or
    /// 12.
    const TOKENS: usize;

    /// Steps of [`Vector::add_trits`] that its runs hold without overflow.
    const TRITS_RUN: usize = Self::RUN;

    /// Steps of four columns that [`Vector::tile_step`] takes at once: 1 or 2.
    const STEPS: usize = 1;

    /// A running dot product.
    type Run: Copy;
    /// [`Vector::LANES`] lanes of `i32`.
    type Sums: Copy;
    /// The operations on `f32` of the same instruction set.
    type Floats: Floats;
    /// The operations of dense integer products, of the same instruction set or a smaller one.
    type Integers: Integers;

    /// The proof that float kernels take.
    fn floats(_: Simd<Self>) -> Self::Floats;

    /// The proof that kernels of dense integer products take.
    fn integers(_: Simd<Self>) -> Self::Integers;

    /// One part from each of the first [`Vector::PARTS`] pointers.
    ///
    /// # Safety
    /// Each pointer used is readable for 32 bytes, at any alignment.
    unsafe fn load_parts(_: Simd<Self>, parts: [*const u8; 2]) -> Self;

    /// Sixteen bytes from each of the first `2 * PARTS` pointers, which are halves of parts.
    ///
    /// # Safety
    /// Each pointer used is readable for 16 bytes, at any alignment.
    unsafe fn load_halves(_: Simd<Self>, halves: [*const u8; 4]) -> Self;

    /// The four bytes at `lane` in every lane.
    ///
    /// # Safety
    /// `lane` is readable for 4 bytes, at any alignment.
    unsafe fn repeat_lane(_: Simd<Self>, lane: *const i8) -> Self;

    /// The `4 * LANES` bytes at `bytes`.
    ///
    /// # Safety
    /// `bytes` is readable for `4 * LANES` bytes, at any alignment.
    unsafe fn load(_: Simd<Self>, bytes: *const u8) -> Self;

    /// Writes the `4 * LANES` bytes of the vector to `bytes`.
    ///
    /// # Safety
    /// `bytes` is writable for `4 * LANES` bytes, at any alignment.
    unsafe fn store(self, bytes: *mut u8);

    /// Exchanges lanes and vectors in each part: lane `j` of part `p` of vector `v` goes to lane `v` of part `p` of
    /// vector `j`, so that vector `j` of the result has the lanes `j` of all parts, in the order of
    /// [`Vector::sum_parts`].
    fn transpose_lanes(vectors: [Self; 8]) -> [Self; 8];

    /// Bits `SHIFT` and `SHIFT + 1` of each byte, as a number 0..=3. `SHIFT` is 0, 2, 4 or 6.
    fn two_bits<const SHIFT: u32>(self) -> Self;

    /// The lower nibble of each byte of the first half of a part, and the upper one of each byte of the second; bits
    /// from 4 on mean nothing.
    fn nibbles(self) -> Self;

    /// Bit `BIT` of each byte as a number, 0 or 2. `BIT` is at most 3.
    fn bit_as_two<const BIT: u32>(self) -> Self;

    /// The first two bytes of each lane of `self`, and then the first two of the same lane of `other`.
    fn join_words(self, other: Self) -> Self;

    /// Three times each byte, modulo 256.
    fn triple(self) -> Self;

    /// `floor(3 * byte / 256)` of each byte: the leading digit, 0..=2, of the base-3 fraction `byte / 256`.
    fn leading_trit(self) -> Self;

    /// A run of zeros.
    fn zero_run(_: Simd<Self>) -> Self::Run;

    /// Whether runs are lanes of `i32`, which [`Vector::run_from`] may begin with any number.
    const RUNS_START: bool = false;

    /// A run with `start` in each lane; without [`Vector::RUNS_START`] a run of zeros.
    #[inline(always)]
    fn run_from(simd: Simd<Self>, _start: i32) -> Self::Run {
        Self::zero_run(simd)
    }

    /// Sums of zeros.
    fn zero_sums(_: Simd<Self>) -> Self::Sums;

    /// Adds `self[i] * activations[i]` to `run`, bytes of `self` as `u8`, of `activations` as `i8`. The four products
    /// of a lane stay in that lane.
    fn dot(self, activations: Self, run: Self::Run) -> Self::Run;

    /// As [`Vector::dot`], but the products of a half of a part may go to any of its lanes: for sums across lanes.
    #[inline(always)]
    fn dot_across(self, activations: Self, run: Self::Run) -> Self::Run {
        self.dot(activations, run)
    }

    /// Bytes of base-3 digits as [`Vector::add_trits`] takes them.
    #[inline(always)]
    fn trits(self) -> Self {
        self
    }

    /// Adds the products of the leading base-3 digit of each byte, [`Vector::leading_trit`], with activations, for sums
    /// across lanes ([`Vector::dot_across`]), and returns the bytes of the digits that follow. The first bytes are
    /// those of [`Vector::trits`]. Both runs begin as zeros and end in [`Vector::widen_trits`], with no step between
    /// them left out.
    #[inline(always)]
    fn add_trits(self, activations: Self, runs: &mut [Self::Run; 2]) -> Self {
        runs[0] = self.leading_trit().dot_across(activations, runs[0]);
        self.triple()
    }

    /// Adds what [`Vector::add_trits`] gathered to `sums`.
    #[inline(always)]
    fn widen_trits(runs: [Self::Run; 2], sums: Self::Sums) -> Self::Sums {
        Self::widen(runs[0], sums)
    }

    /// `run` and `next` as they are, but what depends on this `next` is computed after what this `run` depends on. Left
    /// alone, compilers unpack many rows before they multiply the first, and have not the registers for it.
    #[inline(always)]
    fn ordering_fence(run: Self::Run, next: Self) -> (Self::Run, Self) {
        (run, next)
    }

    /// Puts the codes of two consecutive steps, of the same rows, in the order that [`Vector::tile_step`] reads where
    /// it takes two steps.
    fn pair_steps(steps: [Self; 2]) -> [Self; 2] {
        steps
    }

    /// Adds [`Vector::STEPS`] steps of a tile to its runs: those of two vectors of rows, for each of `T` tokens.
    ///
    /// # Safety
    /// `codes` is readable for the two vectors of each step, and each pointer of
    /// `activations` for four bytes of each step.
    #[inline(always)]
    unsafe fn tile_step<const T: usize>(
        simd: Simd<Self>,
        codes: *const u8,
        activations: &[*const i8; T],
        runs: &mut [[Self::Run; 2]; T],
    ) {
        // SAFETY: the caller vouches for the same.
        unsafe { lane_step::<Self, T>(simd, codes, activations, runs) }
    }

    /// Gives each token of a tile its own runs, where [`Vector::tile_step`] mixes those of tokens.
    fn unmix_tokens<const T: usize>(_runs: &mut [[Self::Run; 2]; T]) {}

    /// Adds the lanes of `run` to `sums`.
    fn widen(run: Self::Run, sums: Self::Sums) -> Self::Sums;

    /// The sum of each part of eight vectors: entry `8 * p + v` is the sum of part `p` of vector `v`. The first
    /// [`Vector::LANES`] entries are used.
    fn sum_parts(sums: [Self::Sums; 8]) -> [i32; 16];

    /// [`Vector::sum_parts`] of lanes below 2^14.
    #[inline(always)]
    fn sum_small_parts(sums: [Self::Sums; 8]) -> [i32; 16] {
        Self::sum_parts(sums)
    }

    /// The sum of each half of a part of eight vectors: entry `8 * h + v` is the sum of half `h` of vector `v`. The
    /// first `16 * PARTS` entries are used.
    fn sum_halves(sums: [Self::Sums; 8]) -> [i32; 32];

    /// The lanes; the first [`Vector::LANES`] entries are used.
    fn lanes(sums: Self::Sums) -> [i32; 16];

    /// Adds `(sum - minus) * factor` to eight numbers, for the sum of each part of eight vectors, in the order of
    /// [`Vector::sum_parts`], the first `parts` of them; each product is rounded together with the sum. Lanes are
    /// below 2^14.
    #[inline(always)]
    fn fuse_parts(sums: [Self::Sums; 8], minus: &[i32; 16], factors: &[f32; 16], acc: &mut [f32; 8], parts: usize) {
        fuse_groups(&Self::sum_parts(sums), minus, factors, acc, parts);
    }

    /// [`Vector::fuse_parts`] for the sum of each half of a part, in the order of [`Vector::sum_halves`].
    #[inline(always)]
    fn fuse_halves(sums: [Self::Sums; 8], minus: &[i32; 32], factors: &[f32; 32], acc: &mut [f32; 8], halves: usize) {
        fuse_groups(&Self::sum_halves(sums), minus, factors, acc, halves);
    }

    /// Adds `(lane - minus) * (factor * weight_factor)` to each of the first [`Vector::LANES`] entries, whose bits are
    /// those of `f32`. Each operation rounds once; where they are `fused`, the last product and the sum do together.
    #[inline(always)]
    fn add_scaled(
        sums: Self::Sums,
        minus: i32,
        factor: f32,
        weight_factors: &[f32; 16],
        to: &mut [i32; 16],
        fused: bool,
    ) {
        let (lanes, mut next) = (Self::lanes(sums), *to);
        for i in 0..Self::LANES {
            let (dot, factor, sum) =
                ((lanes[i] - minus) as f32, factor * weight_factors[i], f32::from_bits(next[i] as u32));
            let sum = if fused { mul_add(dot, factor, sum) } else { sum + dot * factor };
            next[i] = sum.to_bits() as i32;
        }
        *to = next;
    }

    /// Adds the lanes to the first [`Vector::LANES`] entries.
    #[inline(always)]
    fn add_lanes(sums: Self::Sums, to: &mut [i32; 16]) {
        let (lanes, mut next) = (Self::lanes(sums), *to);
        for i in 0..Self::LANES {
            next[i] += lanes[i];
        }
        *to = next;
    }
}

/// A vector that holds the 27 sums which three activations have with three codes, and finds them.
pub(crate) trait Lookups: Vector {
    /// The sum of each pair of bytes, modulo 256.
    fn add_bytes(self, other: Self) -> Self;

    /// Entry `i` has byte `i` of each lane in the low bits of a word: of lane `l` of `even` in word `2 l`, of `odd` in
    /// word `2 l + 1`, for bytes below 32; the other bits of the words mean nothing.
    fn pair_indices(even: Self, odd: Self) -> [Self; 4];

    /// Entry `i` has the words `a * x[0][i] + b * x[1][i] + c * x[2][i]`, each an `i16`, at `9 a + 3 b + c` for codes
    /// `a`, `b`, `c` from 0 to 2.
    fn tables(_: Simd<Self>, x: [[i8; 4]; 3]) -> [Self; 4];

    /// The words of `self` at the indices in the low five bits of each word; the other bits mean nothing.
    fn look_up(self, indices: Self) -> Self;

    /// The sum of each pair of words, modulo 2^16.
    fn add_words(self, other: Self) -> Self;

    /// Each word without its lowest `BITS` bits.
    fn shift_words<const BITS: u32>(self) -> Self;

    /// Twice each word, modulo 2^16, with bit 5 set where that of the word of `next` is.
    fn append_bit(self, next: Self) -> Self;

    /// Adds the even words, each an `i16`, to the first of `sums`, and the odd ones to the second.
    fn accumulate_words(self, sums: [Self::Sums; 2]) -> [Self::Sums; 2];
}

/// [`Vector::TRITS_RUN`] with [`add_bytes_of_trits`]: sums of a lane, up to 1024 a step, stay below 2^23.
#[cfg(all(feature = "simd", target_arch = "x86_64"))]
pub(crate) const BYTES_OF_TRITS_RUN: usize = (1 << 23) / 1024 - 1;

/// [`Vector::add_trits`] where [`Vector::dot`] takes any bytes and its runs wrap around in lanes of `i32`.
///
/// With `r[0]` the byte and `r[n + 1] = 3 r[n] mod 256`, digit `n` is `(3 r[n] - r[n + 1]) / 256`. So no digit is
/// needed: the sum of `digit[n] * q[n]` is a 256th of three times the sum of `r[n] * q[n]`, the first run, less the sum
/// of `r[n + 1] * q[n]`, the second.
#[cfg(all(feature = "simd", target_arch = "x86_64"))]
#[inline(always)]
pub(crate) fn add_bytes_of_trits<V: Vector>(bytes: V, activations: V, runs: &mut [V::Run; 2]) -> V {
    runs[0] = bytes.dot(activations, runs[0]);
    let next = bytes.triple();
    runs[1] = next.dot(activations, runs[1]);
    next
}

/// [`Vector::fuse_parts`] of sums in plain numbers.
#[inline(always)]
fn fuse_groups(sums: &[i32], minus: &[i32], factors: &[f32], acc: &mut [f32; 8], groups: usize) {
    // By value, as the compiler cannot tell references apart and would not take vectors of them.
    let mut next = *acc;
    let of_groups = sums.as_chunks::<8>().0.iter().zip(factors.as_chunks::<8>().0).zip(minus.as_chunks::<8>().0);
    for ((sums, factors), minus) in of_groups.take(groups) {
        for row in 0..8 {
            next[row] = mul_add((sums[row] - minus[row]) as f32, factors[row], next[row]);
        }
    }
    *acc = next;
}

/// One step of a tile, lane by lane: four columns of each row meet four activations of each token.
///
/// # Safety
/// As [`Vector::tile_step`], for one step.
#[inline(always)]
pub(crate) unsafe fn lane_step<V: Vector, const T: usize>(
    simd: Simd<V>,
    codes: *const u8,
    activations: &[*const i8; T],
    runs: &mut [[V::Run; 2]; T],
) {
    // SAFETY: the caller vouches for two vectors at `codes` and for the activations.
    unsafe {
        let low = V::load(simd, codes);
        let high = V::load(simd, codes.add(4 * V::LANES));
        for (runs, activations) in runs.iter_mut().zip(activations) {
            let activations = V::repeat_lane(simd, *activations);
            runs[0] = low.dot(activations, runs[0]);
            runs[1] = high.dot(activations, runs[1]);
        }
    }
}
