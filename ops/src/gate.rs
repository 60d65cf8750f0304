//! The gate of a feed-forward network.

use crate::cpu::Cpu;
use crate::parts::for_elements;
use core::marker::PhantomData;
use trine_kernels::{GateActivation, slices};
use trine_shapes::{Axis, Gate, Plain, Tensor};

/// What a gate of axis `A` goes through before it multiplies. It stands beside the weights of its network, so that a
/// forward pass reads it from there and names none.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Gating<A> {
    activation: GateActivation,
    /// What neither gate nor what it multiplies exceeds.
    limit: Option<f32>,
    axis: PhantomData<A>,
}

impl<A: Plain> Gating<A> {
    /// By this activation.
    pub fn new(_: A, activation: GateActivation) -> Self {
        Gating { activation, limit: None, axis: PhantomData }
    }

    /// The same with a limit: the gate is at most `limit` before its activation, and what it multiplies from `-limit`
    /// to `limit`.
    pub fn with_limit(self, limit: f32) -> Self {
        Gating { limit: Some(limit), ..self }
    }

    /// The activation.
    pub fn activation(self) -> GateActivation {
        self.activation
    }
}

impl Cpu {
    /// `activation(gate) * up`: `(T, Gate<A>), (T, A) -> (T, A)`, in f32, in the memory of `gate`. Where the gating has
    /// a limit `l`, it is `activation(min(gate, l)) * clamp(up, -l, l)`.
    ///
    /// Source: Shazeer 2020 (arXiv 2002.05202), section 2, with the activations of [`GateActivation`]; the limit is
    /// that of gpt-oss and Maple.
    ///
    /// ```
    /// use trine_ops::{Cpu, Gating};
    /// use trine_shapes::*;
    ///
    /// type Of<A> = Tensor<f32, (Fixed<8>, A)>;
    /// fn gated<M: Model>(cpu: &Cpu, by: Gating<Ffn<M>>, gate: Of<Gate<Ffn<M>>>, up: Of<Ffn<M>>) {
    ///     cpu.gated(by, gate, up);
    /// }
    /// ```
    /// Exchanged, the wrong one would go through the activation:
    /// ```compile_fail,E0308
    /// # use trine_ops::{Cpu, Gating};
    /// # use trine_shapes::*;
    /// # type Of<A> = Tensor<f32, (Fixed<8>, A)>;
    /// fn gated<M: Model>(cpu: &Cpu, by: Gating<Ffn<M>>, gate: Of<Gate<Ffn<M>>>, up: Of<Ffn<M>>) {
    ///     cpu.gated(by, up, gate);
    /// }
    /// ```
    /// The activation is the network's, not one that seems right:
    /// ```compile_fail,E0308
    /// # use trine_kernels::GateActivation;
    /// # use trine_ops::{Cpu, Gating};
    /// # use trine_shapes::*;
    /// # type Of<A> = Tensor<f32, (Fixed<8>, A)>;
    /// fn gated<M: Model>(cpu: &Cpu, gate: Of<Gate<Ffn<M>>>, up: Of<Ffn<M>>) {
    ///     cpu.gated(GateActivation::Silu, gate, up);
    /// }
    /// ```
    pub fn gated<T: Axis, A: Axis>(
        &self,
        gating: Gating<A>,
        mut gate: Tensor<f32, (T, Gate<A>)>,
        mut up: Tensor<f32, (T, A)>,
    ) -> Tensor<f32, (T, A)> {
        let (tokens, axis) = gate.shape();
        let reason = "the gate goes through its activation";
        if let Some(limit) = gating.limit {
            // NaN stays NaN.
            for_elements(self, gate.assume_mut(reason), |gate| *gate = if *gate > limit { limit } else { *gate });
            for_elements(self, up.assume_mut(reason), |up| *up = up.clamp(-limit, limit));
        }
        slices::gated(self, gating.activation, gate.assume_mut(reason), up.data());
        gate.assume_axes((tokens, axis.inner()), reason)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;
    use trine_shapes::Fixed;

    /// Against the formula in f64; a limit changes nothing below it.
    #[test]
    fn a_limit_bounds_the_gate_from_above_and_what_it_multiplies_on_both_sides() {
        let cpu = Cpu::new(Default::default()).expect("a machine");
        let gates = [-9.0, -7.5, -0.5, 0.0, 3.0, 6.9, 7.0, 9.0, 80.0, f32::INFINITY];
        let ups = [8.0, -8.0, 2.5, -9.0, -7.0, 7.0, f32::NEG_INFINITY, 6.5, -0.25, 11.0];
        let axis = Fixed::<10>;
        let gated = |by: Gating<Fixed<10>>| {
            let gate = Tensor::assume((Fixed::<1>, Gate::of(axis)), gates, "a test");
            cpu.gated(by, gate, Tensor::from_data((Fixed::<1>, axis), ups)).data().to_vec()
        };
        let found = gated(Gating::new(axis, GateActivation::Silu).with_limit(7.0));
        let expected: Vec<f64> = (gates.iter().zip(ups))
            .map(|(&g, u)| {
                let (g, u) = (f64::from(g).min(7.0), f64::from(u).clamp(-7.0, 7.0));
                g / (1.0 + libm::exp(-g)) * u
            })
            .collect();
        for (found, expected) in found.iter().zip(expected) {
            assert!((f64::from(*found) - expected).abs() <= 1e-6 * expected.abs(), "{found} {expected}");
        }
        let free = gated(Gating::new(axis, GateActivation::Silu));
        assert_eq!((free[2], free[7] > found[7]), (found[2], true));
        let nan = cpu.gated(
            Gating::new(Fixed::<1>, GateActivation::Silu).with_limit(7.0),
            Tensor::assume((Fixed::<1>, Gate::of(Fixed::<1>)), [f32::NAN], "a test"),
            Tensor::from_data((Fixed::<1>, Fixed::<1>), [1.0]),
        );
        assert!(nan.data()[0].is_nan());
    }
}
