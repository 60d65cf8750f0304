//! The exponential function, in a form that compilers vectorise and that gives the same bits everywhere.

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

#[cfg(test)]
mod tests {
    use super::exp;

    /// Distance in units in the last place of the correctly rounded result, and fractions of it.
    fn ulps(x: f32) -> f64 {
        let exact = f64::from(x).exp();
        let unit = f64::from(f32::from_bits((exact as f32).to_bits() + 1)) - f64::from(exact as f32);
        (f64::from(exp(x)) - exact).abs() / unit
    }

    #[test]
    fn within_one_ulp_of_the_true_value() {
        // Every 97th float from the smallest subnormal result to the largest finite one, both signs.
        let limit = |x: f32| x.to_bits();
        let negative = (limit(-0.0)..limit(-103.9)).step_by(97);
        let positive = (0..limit(88.722)).step_by(97);
        let worst = negative.chain(positive).map(f32::from_bits).map(ulps).fold(0.0, f64::max);
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
    }
}
