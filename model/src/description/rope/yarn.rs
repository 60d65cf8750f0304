//! YaRN: RoPE for contexts longer than those that a model was first trained for. Fast pairs keep their frequency, slow
//! ones are interpolated, and scores of attention are sharpened.

use std::f64::consts::TAU;

/// The numbers of YaRN (Peng et al. 2023, arXiv 2309.00071, section 3).
///
/// With `n` rotated elements, base `b` and `turns(beta) = n ln(original_context / (2 pi beta)) / (2 ln b)`, pair `i`
/// has the divisor
///
/// ```text
/// 1 / ((1 - r) / factor + r)      r = 1 - clamp((i - low) / max(high - low, 0.001), 0, 1)
///                                 low = max(floor(turns(beta_fast)), 0), high = min(ceil(turns(beta_slow)), n - 1)
/// ```
///
/// at every position, also below the original context. Cosines and sines are multiplied by
/// [`multiplier`](Yarn::multiplier).
///
/// Sources: `ggml_rope_yarn_corr_dims` and `rope_yarn` of llama.cpp, `_compute_yarn_parameters` of HF transformers'
/// `modeling_rope_utils.py`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Yarn {
    /// How many times longer the context became; at least 1.
    pub factor: f32,
    /// Positions that the model was first trained for.
    pub original_context: usize,
    /// What the multiplier of cosines and sines is, relative to the usual one.
    pub attention_factor: f32,
    /// Turns in the original context from which a pair is fast.
    pub beta_fast: f32,
    /// Turns in the original context up to which a pair is slow.
    pub beta_slow: f32,
}

impl Yarn {
    /// What files that do not say it have: `beta_fast`.
    pub const BETA_FAST: f32 = 32.0;
    /// What files that do not say it have: `beta_slow`.
    pub const BETA_SLOW: f32 = 1.0;

    /// What cosines and sines are multiplied by: `attention_factor * usual_multiplier(factor)`. It enters queries and
    /// keys, so scores of attention have its square.
    pub fn multiplier(&self) -> f32 {
        self.attention_factor * Yarn::usual_multiplier(self.factor)
    }

    /// The multiplier of the paper: `0.1 ln(factor) + 1`.
    pub fn usual_multiplier(factor: f32) -> f32 {
        (0.1 * f64::from(factor).ln() + 1.0) as f32
    }

    /// The first pair that is not fast and the first that is slow.
    fn range(&self, base: f32, rotated: usize) -> (f64, f64) {
        let turns = |beta: f32| {
            let ratio = self.original_context as f64 / (TAU * f64::from(beta));
            rotated as f64 * ratio.ln() / (2.0 * f64::from(base).ln())
        };
        (turns(self.beta_fast).floor().max(0.0), turns(self.beta_slow).ceil().min(rotated as f64 - 1.0))
    }

    /// The divisor of each pair's frequency.
    pub(super) fn divisors(&self, base: f32, rotated: usize) -> Vec<f32> {
        let (low, high) = self.range(base, rotated);
        let divisor = |pair: usize| {
            let kept = 1.0 - ((pair as f64 - low) / (high - low).max(0.001)).clamp(0.0, 1.0);
            (1.0 / ((1.0 - kept) / f64::from(self.factor) + kept)) as f32
        };
        (0..rotated / 2).map(divisor).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::description::{RopeConfig, RopeScaling};
    use trine_shapes::RopePairing;

    fn close(found: f32, expected: f64) -> bool {
        (f64::from(found) - expected).abs() <= 2e-7 * expected
    }

    /// Of Bonsai models: base 1e6, heads of 128, four times the context.
    fn check(original_context: usize, range: (f64, f64), frequencies: &[(usize, f64)]) {
        let (beta_fast, beta_slow) = (Yarn::BETA_FAST, Yarn::BETA_SLOW);
        let yarn = Yarn { factor: 4.0, original_context, attention_factor: 1.0, beta_fast, beta_slow };
        assert_eq!(yarn.range(1e6, 128), range);
        let scaling = RopeScaling::Yarn(yarn);
        let rope = RopeConfig { base: 1e6, rotated: 128, scaling, pairing: RopePairing::NeoX };
        assert!((rope.multiplier() - 1.138629).abs() < 1e-6, "{}", rope.multiplier());
        let divisors = rope.divisors();
        assert_eq!((divisors.len(), divisors[0], divisors[63]), (64, 1.0, 4.0));
        for (pair, expected) in frequencies {
            let frequency = 1e6f64.powf(-(*pair as f64) / 64.0) / f64::from(divisors[*pair]);
            assert!(close(frequency as f32, *expected), "pair {pair}: {frequency} {expected}");
        }
    }

    #[test]
    fn bonsai_8b() {
        let frequencies =
            [(20, 0.0133352143), (21, 0.0102719866), (28, 0.00153441828), (37, 8.4955208e-5), (63, 3.1023444e-7)];
        check(16_384, (20.0, 37.0), &frequencies);
    }

    #[test]
    fn bonsai_1_7b() {
        let frequencies =
            [(17, 0.0254829675), (18, 0.0196292833), (25, 0.00293220118), (34, 1.62345408e-4), (63, 3.1023444e-7)];
        check(8192, (17.0, 34.0), &frequencies);
    }

    #[test]
    fn a_factor_of_one_changes_nothing() {
        let yarn = Yarn { factor: 1.0, original_context: 8192, attention_factor: 1.0, beta_fast: 32.0, beta_slow: 1.0 };
        assert_eq!((yarn.multiplier(), yarn.divisors(1e6, 64)), (1.0, vec![1.0; 32]));
    }

    #[test]
    fn every_pair_is_slow_or_fast_where_no_pair_is_between() {
        let yarn = Yarn { factor: 2.0, original_context: 64, attention_factor: 3.0, beta_fast: 1.0, beta_slow: 1.0 };
        let divisors = yarn.divisors(1e4, 16);
        assert!(divisors.iter().all(|divisor| (1.0..=2.0).contains(divisor)), "{divisors:?}");
        assert!((yarn.multiplier() - 3.0 * 1.069_314_7).abs() < 1e-6);
    }
}
