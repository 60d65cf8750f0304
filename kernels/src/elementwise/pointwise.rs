//! Operations on each element alone: residual addition and gated activations.

use super::exp::exp;
use crate::simd::floats::{FloatKernel, Floats};

/// The function that gates the feed-forward network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum GateActivation {
    /// `silu(g) = g / (1 + e^-g)`: the `llama` and `bitnet` architectures.
    Silu,
    /// `relu(g)^2`: the `bitnet-b1.58` and `bitnet-25` architectures.
    ReluSquared,
    /// GELU in its tanh form, `g (1 + tanh(sqrt(2/pi) (g + 0.044715 g^3))) / 2 = g / (1 + e^-u)` with
    /// `u = 2 sqrt(2/pi) (g + 0.044715 g^3)`: the `gemma3` architecture. Source: Hendrycks and Gimpel 2016 (arXiv
    /// 1606.08415), section 2.
    Gelu,
}

/// `2 sqrt(2/pi) (g + 0.044715 g^3)`.
#[inline(always)]
pub(crate) fn gelu_exponent(g: f32) -> f32 {
    const LINEAR: f32 = 1.595_769;
    const CUBIC: f32 = 0.071_354_814;
    g * (LINEAR + CUBIC * (g * g))
}

/// `x += y`.
pub(crate) struct Add<'a> {
    pub(crate) x: &'a mut [f32],
    pub(crate) y: &'a [f32],
}

impl FloatKernel for Add<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Floats>(self, _: S) {
        for (x, y) in self.x.iter_mut().zip(self.y) {
            *x += y;
        }
    }
}

/// `gate = activation(gate) * up`, in f32. SiLU is within 3 ULP of the exact value (its exponential within 1), GELU
/// within `3 + 2 u` ULP.
pub(crate) struct Gate<'a> {
    pub(crate) activation: GateActivation,
    pub(crate) gate: &'a mut [f32],
    pub(crate) up: &'a [f32],
}

impl FloatKernel for Gate<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Floats>(self, _: S) {
        let pairs = self.gate.iter_mut().zip(self.up);
        match self.activation {
            GateActivation::Silu => pairs.for_each(|(g, up)| *g = *g / (1.0 + exp(-*g)) * up),
            GateActivation::ReluSquared => pairs.for_each(|(g, up)| {
                let positive = if *g < 0.0 { 0.0 } else { *g };
                *g = positive * positive * up;
            }),
            GateActivation::Gelu => pairs.for_each(|(g, up)| *g = *g / (1.0 + exp(-gelu_exponent(*g))) * up),
        }
    }
}
