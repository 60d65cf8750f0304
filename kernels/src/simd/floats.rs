//! Sixteen `f32` at a time: the few vector operations that the float kernels need, for each instruction set.
//!
//! A kernel is a type that implements [`FloatKernel`]: its `run` is compiled once for every instruction set and
//! receives the [`Floats`] token of the one it was compiled for. Loops over slices need no more than that, the compiler
//! vectorises them; the token's operations serve where accumulators must stay in registers.
//!
//! Every operation rounds once, lane by lane, and sums have one order, so every instruction set gives the same bits.
//! Not here: integer operations of the ternary kernels ([`Vector`]), algorithms.

use super::{Isa, Kernel, Simd, Vector, fused};

/// Number of `f32` in a vector, the same on every instruction set.
pub(crate) const LANES: usize = 16;

/// Proof that an instruction set is present, and its operations.
pub(crate) trait Floats: Copy {
    /// Sixteen `f32`.
    type F32x16: Copy;

    /// Sixteen `i32`.
    type I32x16: Copy;

    /// Sixteen pairs of `i16`.
    type Pairs: Copy;

    /// Whether the register file holds at least 24 vectors, enough for a 4 x 4 tile of accumulators.
    const MANY_REGISTERS: bool;

    /// `value` in every lane.
    fn splat(self, value: f32) -> Self::F32x16;

    /// Reads sixteen values.
    fn load(self, from: &[f32; LANES]) -> Self::F32x16;

    /// Writes sixteen values.
    fn store(self, v: Self::F32x16, to: &mut [f32; LANES]);

    /// `a + b`, lane by lane.
    fn add(self, a: Self::F32x16, b: Self::F32x16) -> Self::F32x16;

    /// `a * b`, lane by lane.
    fn mul(self, a: Self::F32x16, b: Self::F32x16) -> Self::F32x16;

    /// `a * b + c`, lane by lane, rounded once.
    fn mul_add(self, a: Self::F32x16, b: Self::F32x16, c: Self::F32x16) -> Self::F32x16;

    /// `a` where it is greater than `b`, else `b`, lane by lane.
    fn max(self, a: Self::F32x16, b: Self::F32x16) -> Self::F32x16;

    /// The largest lane, where none is NaN.
    fn largest(self, v: Self::F32x16) -> f32;

    /// The lowest nine bits of each number as sign and exponent of a new one, whose mantissa is zero.
    fn low_bits_as_exponent(self, v: Self::F32x16) -> Self::F32x16;

    /// The nearest integers, ties to even. What numbers beyond `i16` and NaN become differs between instruction sets:
    /// nothing may depend on it.
    fn to_i16(self, v: Self::F32x16) -> [i16; LANES];

    /// Sum of the lanes as a balanced tree: lanes 8 apart, then 4, 2 and 1 apart.
    fn sum(self, v: Self::F32x16) -> f32;

    /// The little-endian half-precision value in every lane; exact.
    fn splat_f16(self, from: [u8; 2]) -> Self::F32x16;

    /// Sixteen signed bytes as numbers; exact.
    fn widen_i8(self, from: [i8; LANES]) -> Self::F32x16;

    /// Reads sixteen little-endian half-precision values; exact.
    fn load_f16(self, from: &[u8; 2 * LANES]) -> Self::F32x16;

    /// Reads sixteen little-endian half-precision values, each at a place of its own; exact.
    ///
    /// # Safety
    /// Each pointer is readable for two bytes, at any alignment.
    unsafe fn gather_f16(self, places: &[*const u8; LANES]) -> Self::F32x16;

    /// Sixteen zeros.
    fn zeros_i32(self) -> Self::I32x16;

    /// Reads sixteen pairs of signed bytes.
    fn load_pairs(self, from: &[i8; 2 * LANES]) -> Self::Pairs;

    /// `sums + pair[0] * first + pair[1] * second`, lane by lane. Sums wrap around.
    fn add_pair_products(self, sums: Self::I32x16, pair: [i16; 2], pairs: Self::Pairs) -> Self::I32x16;

    /// `a + b`, lane by lane. Sums wrap around.
    fn add_i32(self, a: Self::I32x16, b: Self::I32x16) -> Self::I32x16;

    /// The nearest numbers, ties to even.
    fn to_f32(self, v: Self::I32x16) -> Self::F32x16;
}

/// A computation to be compiled for every instruction set.
pub(crate) trait FloatKernel {
    /// What it returns.
    type Output;

    /// The computation. Implementations are `#[inline(always)]`, so that they are compiled with the features of `S`.
    fn run<S: Floats>(self, floats: S) -> Self::Output;
}

/// Runs `kernel` compiled for `isa`.
///
/// # Panics
/// If the machine does not have the instruction set.
pub(crate) fn run<K: FloatKernel>(isa: Isa, kernel: K) -> K::Output {
    struct WithToken<K>(K);
    impl<K: FloatKernel> Kernel for WithToken<K> {
        type Output = K::Output;

        #[inline(always)]
        fn run<V: Vector>(self, simd: Simd<V>) -> K::Output {
            self.0.run(V::floats(simd))
        }
    }
    isa.run(WithToken(kernel))
}

/// Operations on arrays, for any processor.
#[derive(Clone, Copy)]
pub(crate) struct Portable;

impl Floats for Portable {
    type F32x16 = [f32; LANES];
    type I32x16 = [i32; LANES];
    type Pairs = [[i16; 2]; LANES];
    const MANY_REGISTERS: bool = false;

    #[inline(always)]
    fn splat(self, value: f32) -> [f32; LANES] {
        [value; LANES]
    }

    #[inline(always)]
    fn load(self, from: &[f32; LANES]) -> [f32; LANES] {
        *from
    }

    #[inline(always)]
    fn store(self, v: [f32; LANES], to: &mut [f32; LANES]) {
        *to = v;
    }

    #[inline(always)]
    fn add(self, a: [f32; LANES], b: [f32; LANES]) -> [f32; LANES] {
        core::array::from_fn(|i| a[i] + b[i])
    }

    #[inline(always)]
    fn mul(self, a: [f32; LANES], b: [f32; LANES]) -> [f32; LANES] {
        core::array::from_fn(|i| a[i] * b[i])
    }

    #[inline(always)]
    fn mul_add(self, a: [f32; LANES], b: [f32; LANES], c: [f32; LANES]) -> [f32; LANES] {
        fused::mul_add(&a, &b, &c)
    }

    #[inline(always)]
    fn max(self, a: [f32; LANES], b: [f32; LANES]) -> [f32; LANES] {
        core::array::from_fn(|i| if a[i] > b[i] { a[i] } else { b[i] })
    }

    #[inline(always)]
    fn largest(self, v: [f32; LANES]) -> f32 {
        v.into_iter().fold(f32::NEG_INFINITY, |a, b| if a > b { a } else { b })
    }

    #[inline(always)]
    fn low_bits_as_exponent(self, v: [f32; LANES]) -> [f32; LANES] {
        v.map(|v| f32::from_bits(v.to_bits() << 23))
    }

    #[inline(always)]
    fn to_i16(self, v: [f32; LANES]) -> [i16; LANES] {
        v.map(|v| round(v) as i16)
    }

    #[inline(always)]
    fn sum(self, v: [f32; LANES]) -> f32 {
        let eight: [f32; 8] = core::array::from_fn(|i| v[i] + v[i + 8]);
        let four: [f32; 4] = core::array::from_fn(|i| eight[i] + eight[i + 4]);
        (four[0] + four[2]) + (four[1] + four[3])
    }

    #[inline(always)]
    fn splat_f16(self, from: [u8; 2]) -> [f32; LANES] {
        [widen_f16(u16::from_le_bytes(from)); LANES]
    }

    #[inline(always)]
    fn widen_i8(self, from: [i8; LANES]) -> [f32; LANES] {
        from.map(f32::from)
    }

    #[inline(always)]
    fn load_f16(self, from: &[u8; 2 * LANES]) -> [f32; LANES] {
        let bits: [u16; LANES] = core::array::from_fn(|i| u16::from_le_bytes([from[2 * i], from[2 * i + 1]]));
        bits.map(widen_f16)
    }

    #[inline(always)]
    unsafe fn gather_f16(self, places: &[*const u8; LANES]) -> [f32; LANES] {
        let mut values = [0.0; LANES];
        for (value, place) in values.iter_mut().zip(places) {
            // SAFETY: the caller vouches for two bytes; the read is unaligned.
            *value = widen_f16(u16::from_le(unsafe { place.cast::<u16>().read_unaligned() }));
        }
        values
    }

    #[inline(always)]
    fn zeros_i32(self) -> [i32; LANES] {
        [0; LANES]
    }

    #[inline(always)]
    fn load_pairs(self, from: &[i8; 2 * LANES]) -> [[i16; 2]; LANES] {
        core::array::from_fn(|i| [i16::from(from[2 * i]), i16::from(from[2 * i + 1])])
    }

    #[inline(always)]
    fn add_pair_products(self, sums: [i32; LANES], pair: [i16; 2], pairs: [[i16; 2]; LANES]) -> [i32; LANES] {
        let pair = pair.map(i32::from);
        core::array::from_fn(|i| {
            let [first, second] = pairs[i].map(i32::from);
            sums[i].wrapping_add(pair[0] * first + pair[1] * second)
        })
    }

    #[inline(always)]
    fn add_i32(self, a: [i32; LANES], b: [i32; LANES]) -> [i32; LANES] {
        core::array::from_fn(|i| a[i].wrapping_add(b[i]))
    }

    #[inline(always)]
    fn to_f32(self, v: [i32; LANES]) -> [f32; LANES] {
        v.map(|v| v as f32)
    }
}

/// `x` rounded to the nearest integer, halves to even, for `|x|` up to 2^22: adding 1.5 * 2^23 leaves no bits for a
/// fraction.
#[inline(always)]
pub(crate) fn round(x: f32) -> i32 {
    const SHIFT: f32 = 12_582_912.0;
    (x + SHIFT).to_bits().wrapping_sub(SHIFT.to_bits()) as i32
}

/// Half precision to single precision, exact, without branches. NaN becomes a quiet NaN with the same payload.
#[inline(always)]
pub(crate) fn widen_f16(bits: u16) -> f32 {
    // Exponent and mantissa moved to their place in f32 mean 2^-112 times the value, also for subnormal halves.
    const REBIAS: f32 = f32::from_bits((254 - 15) << 23);
    // What an infinite half becomes by that rule; halves above it are NaN.
    const INFINITE: f32 = 65536.0;
    let value = f32::from_bits(u32::from(bits & 0x7fff) << 13) * REBIAS;
    let special = if value >= INFINITE { 0x7f80_0000 } else { 0 };
    let quiet = if value > INFINITE { 0x0040_0000 } else { 0 };
    f32::from_bits(value.to_bits() | special | quiet | u32::from(bits & 0x8000) << 16)
}
