//! Exponential functions that give the same bits everywhere: to base e in a form that compilers vectorise, to base 2 in
//! operations on vectors.

use crate::simd::floats::Floats;

/// e^x to within 1 ULP of the true value, for every `x`; overflow gives infinity, underflow is gradual, NaN gives NaN.
///
/// Method: x = n ln 2 + r with integer n and |r| <= ln 2 / 2, e^x = 2^n e^r. ln 2 is split in two so that n times the
/// first part is exact; e^r = 1 + r + r^2 Q(r), with Q a minimax polynomial of degree 4 whose error is 3e-9, far
/// below half a ULP; 2^n is applied as two factors, so that neither overflows before the result does.
#[inline(always)]
pub(crate) fn exp(x: f32) -> f32 {
    // Beyond these the result is zero or infinite, and n stays in the range that `pow2` covers twice.
    const LOWEST: f32 = -104.0;
    const HIGHEST: f32 = 89.0;
    // Adding and subtracting 1.5 * 2^23 rounds to the nearest integer, which then sits in the low mantissa bits.
    const ROUND: f32 = 12_582_912.0;
    // 355/512 has nine bits, so its product with |n| <= 151 is exact.
    const LN2_HIGH: f32 = 355.0 / 512.0;
    const LN2_LOW: f32 = -2.121_944_4e-4;
    const Q0: f32 = 4.999_999_4e-1;
    const Q1: f32 = 1.666_652_1e-1;
    const Q2: f32 = 4.166_826_6e-2;
    const Q3: f32 = 8.368_676e-3;
    const Q4: f32 = 1.382_069e-3;

    let x = if x < LOWEST { LOWEST } else { x };
    let x = if x > HIGHEST { HIGHEST } else { x };
    let shifted = x * core::f32::consts::LOG2_E + ROUND;
    let n = shifted - ROUND;
    let r = (x - n * LN2_HIGH) - n * LN2_LOW;
    let q = (((Q4 * r + Q3) * r + Q2) * r + Q1) * r + Q0;
    let e_r = 1.0 + (r + r * r * q);
    let n = shifted.to_bits().wrapping_sub(ROUND.to_bits()) as i32;
    e_r * pow2(n >> 1) * pow2(n - (n >> 1))
}

/// 2^n for -126 <= n <= 127.
#[inline(always)]
fn pow2(n: i32) -> f32 {
    f32::from_bits(((n.wrapping_add(127)) as u32) << 23)
}

/// 2^x to within 1 ULP of the true value, lane by lane, for `x <= 127`; zero where `x <= -126.5`, NaN for NaN.
///
/// Method: x = n + r with integer n and |r| <= 1/2, 2^x = 2^n 2^r. 2^r = 1 + r Q(r), with Q a minimax polynomial of
/// degree 5 whose error is 2e-9. Products and their sums are rounded once.
#[inline(always)]
pub(crate) fn exp2<S: Floats>(floats: S, x: S::F32x16) -> S::F32x16 {
    // The exponent of 2^-127 would be that of zero.
    const LOWEST: f32 = -127.0;
    // Adding and subtracting it rounds to the nearest integer, which then sits in the low bits with an exponent's bias.
    const ROUND: f32 = 12_582_912.0 + 127.0;
    const Q: [f32; 6] =
        [core::f32::consts::LN_2, 2.402_264_8e-1, 5.550_332_4e-2, 9.618_437e-3, 1.339_887_5e-3, 1.535_336_3e-4];

    let x = floats.max(floats.splat(LOWEST), x);
    let shifted = floats.add(x, floats.splat(ROUND));
    let n = floats.add(shifted, floats.splat(-ROUND));
    let r = floats.mul_add(n, floats.splat(-1.0), x);
    let mut q = floats.splat(Q[5]);
    for coefficient in Q[..5].iter().rev() {
        q = floats.mul_add(q, r, floats.splat(*coefficient));
    }
    let fraction = floats.mul_add(q, r, floats.splat(1.0));
    floats.mul(fraction, floats.low_bits_as_exponent(shifted))
}

/// [`exp2`] of one number.
#[cfg(any(feature = "std", test))]
pub(crate) fn exp2_of(x: f32) -> f32 {
    use crate::simd::floats::Portable;
    exp2(Portable, Portable.splat(x))[0]
}

#[cfg(test)]
mod tests {
    use super::{exp, exp2_of};

    /// Distance in units in the last place of the correctly rounded result, and fractions of it.
    fn ulps(found: f32, exact: f64) -> f64 {
        let unit = f64::from(f32::from_bits((exact as f32).to_bits() + 1)) - f64::from(exact as f32);
        (f64::from(found) - exact).abs() / unit
    }

    /// Every `step`th float from zero to each of the limits.
    fn between(limits: [f32; 2], step: usize) -> impl Iterator<Item = f32> {
        let [negative, positive] = limits.map(f32::to_bits);
        ((-0.0_f32).to_bits()..negative).step_by(step).chain((0..positive).step_by(step)).map(f32::from_bits)
    }

    /// From the smallest subnormal result to the largest finite one.
    #[test]
    fn within_one_ulp_of_the_true_value() {
        let of = |x: f32| ulps(exp(x), f64::from(x).exp());
        let worst = between([-103.9, 88.722], 97).map(of).fold(0.0, f64::max);
        assert!(worst <= 1.0, "{worst} ULP");
    }

    /// To the smallest normal result.
    #[test]
    fn base_two_within_one_ulp_of_the_true_value() {
        let of = |x: f32| ulps(exp2_of(x), f64::from(x).exp2());
        let worst = between([-126.0, 127.0], 997).map(of).fold(0.0, f64::max);
        assert!(worst <= 1.0, "{worst} ULP");
    }

    #[test]
    fn limits() {
        assert_eq!(exp(0.0), 1.0);
        assert_eq!(exp(f32::NEG_INFINITY), 0.0);
        assert_eq!(exp(-104.5), 0.0);
        assert_eq!(exp(88.73), f32::INFINITY);
        assert_eq!(exp(f32::INFINITY), f32::INFINITY);
        assert!(exp(f32::NAN).is_nan());
        assert_eq!([0.0, 1.0, 127.0, -126.0].map(exp2_of), [1.0, 2.0, 2.0_f32.powi(127), f32::MIN_POSITIVE]);
        assert_eq!([-127.0, -1e9, f32::NEG_INFINITY].map(exp2_of), [0.0; 3]);
        assert!(exp2_of(f32::NAN).is_nan());
    }
}
