//! Root-mean-square normalisation of one row.

use crate::machine::outputs::Output;
use crate::simd::floats::{FloatKernel, Floats};

/// `y = x * (1 / sqrt(mean(x^2) + eps)) * gain`, multiplied in this order in f32; no mean is subtracted.
///
/// The squares are exact in f64 and summed there in sixteen lanes (element `i` in lane `i % 16`, lanes added as a
/// balanced tree), and the factor is rounded to f32 once, so it is within 1 ULP of the exact one.
/// `x`, `gain` and `y` have the width of the row. Source: Zhang and Sennrich 2019 (arXiv 1910.07467), equation 4.
pub(crate) struct RmsNorm<'a> {
    pub(crate) x: &'a [f32],
    pub(crate) gain: &'a [f32],
    pub(crate) eps: f32,
    pub(crate) y: &'a mut [Output],
}

impl FloatKernel for RmsNorm<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Floats>(self, _: S) {
        let RmsNorm { x, gain, eps, y } = self;
        let mean = sum_of_squares(x) / x.len() as f64;
        let factor = (1.0 / libm::sqrt(mean + f64::from(eps))) as f32;
        for ((y, x), gain) in y.iter_mut().zip(x).zip(gain) {
            y.put(x * factor * gain);
        }
    }
}

#[inline(always)]
fn sum_of_squares(x: &[f32]) -> f64 {
    const LANES: usize = 16;
    let mut lanes = [0.0f64; LANES];
    let (chunks, rest) = x.as_chunks::<LANES>();
    for chunk in chunks {
        for (lane, &x) in lanes.iter_mut().zip(chunk) {
            *lane += f64::from(x) * f64::from(x);
        }
    }
    for (lane, &x) in lanes.iter_mut().zip(rest) {
        *lane += f64::from(x) * f64::from(x);
    }
    let mut width = LANES / 2;
    while width > 0 {
        for i in 0..width {
            lanes[i] += lanes[i + width];
        }
        width /= 2;
    }
    lanes[0]
}
