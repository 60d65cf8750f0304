//! `a * b + c`, rounded once, in plain Rust.
//!
//! What belongs here: this for the instruction set [`Portable`](super::floats::Portable). With `std`, it is the
//! instruction that aarch64 has, and x86 compiled with FMA; else it takes some ten times as long as a product and a
//! sum.

use super::floats::LANES;

/// `a * b + c`, rounded once.
#[cfg(all(feature = "std", any(target_arch = "aarch64", target_feature = "fma")))]
#[inline(always)]
pub(crate) fn mul_add_one(a: f32, b: f32, c: f32) -> f32 {
    a.mul_add(b, c)
}

/// `a * b + c`, lane by lane, rounded once.
#[cfg(all(feature = "std", any(target_arch = "aarch64", target_feature = "fma")))]
#[inline(always)]
pub(super) fn mul_add(a: &[f32; LANES], b: &[f32; LANES], c: &[f32; LANES]) -> [f32; LANES] {
    let mut sums = *c;
    for (i, sum) in sums.iter_mut().enumerate() {
        *sum = a[i].mul_add(b[i], *sum);
    }
    sums
}

#[cfg(not(all(feature = "std", any(target_arch = "aarch64", target_feature = "fma"))))]
pub(crate) use emulated::{mul_add, mul_add_one};

#[cfg(not(all(feature = "std", any(target_arch = "aarch64", target_feature = "fma"))))]
mod emulated {
    use super::LANES;

    /// In double precision, where the product is exact, so that the sum is rounded twice. That makes a difference only
    /// where the first rounding gives the middle of two numbers of single precision: such lanes are computed anew.
    #[inline(always)]
    pub(crate) fn mul_add(a: &[f32; LANES], b: &[f32; LANES], c: &[f32; LANES]) -> [f32; LANES] {
        let (mut sums, mut doubtful) = (*c, false);
        for i in 0..LANES {
            let sum = f64::from(a[i]) * f64::from(b[i]) + f64::from(c[i]);
            // The last 29 bits of the middle of two normal numbers; subnormal ones, of fewer bits, are always doubtful.
            doubtful |= sum.to_bits() << 35 == 1 << 63;
            doubtful |= sum != 0.0 && sum.abs() < f64::from(f32::MIN_POSITIVE);
            sums[i] = sum as f32;
        }
        if doubtful { mul_add_each(a, b, c) } else { sums }
    }

    #[cold]
    #[inline(never)]
    fn mul_add_each(a: &[f32; LANES], b: &[f32; LANES], c: &[f32; LANES]) -> [f32; LANES] {
        core::array::from_fn(|i| mul_add_to_odd(a[i], b[i], c[i]))
    }

    /// `a * b + c`, rounded once.
    #[inline(always)]
    pub(crate) fn mul_add_one(a: f32, b: f32, c: f32) -> f32 {
        let sum = f64::from(a) * f64::from(b) + f64::from(c);
        let is_doubtful = sum.to_bits() << 35 == 1 << 63 || (sum != 0.0 && sum.abs() < f64::from(f32::MIN_POSITIVE));
        if is_doubtful { mul_add_to_odd(a, b, c) } else { sum as f32 }
    }

    /// Rounded to odd in double precision, after which another rounding does no harm.
    ///
    /// Source: Boldo and Melquiond 2008, "Emulation of a FMA and correctly rounded sums: proved algorithms using
    /// rounding to odd", section 3.
    fn mul_add_to_odd(a: f32, b: f32, c: f32) -> f32 {
        let (product, c) = (f64::from(a) * f64::from(b), f64::from(c));
        let sum = product + c;
        // Exactly what rounding took away: NaN of sums that are infinite or NaN. A sum of 0 has no error.
        let part = sum - product;
        let error = (product - (sum - part)) + (c - part);
        let bits = sum.to_bits();
        if bits % 2 == 1 || error == 0.0 || error.is_nan() {
            sum as f32
        } else {
            let outwards = (error > 0.0) == (sum > 0.0);
            f64::from_bits(if outwards { bits + 1 } else { bits - 1 }) as f32
        }
    }
}
