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

/// `gate = activation(gate) * up`, in f32. SiLU is within 3 ULP of the exact value (its exponential within 1).
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
        }
    }
}
