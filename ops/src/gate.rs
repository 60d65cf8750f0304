//! The gate of a feed-forward network.

use crate::cpu::Cpu;
use core::marker::PhantomData;
use trine_kernels::{GateActivation, slices};
use trine_shapes::{Axis, Gate, Plain, Tensor};

/// What a gate of axis `A` goes through before it multiplies. It stands beside the weights of its network, so that a
/// forward pass reads it from there and names none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gating<A> {
    activation: GateActivation,
    axis: PhantomData<A>,
}

impl<A: Plain> Gating<A> {
    /// By this activation.
    pub fn new(_: A, activation: GateActivation) -> Self {
        Gating { activation, axis: PhantomData }
    }

    /// The activation.
    pub fn activation(self) -> GateActivation {
        self.activation
    }
}

impl Cpu {
    /// `activation(gate) * up`: `(T, Gate<A>), (T, A) -> (T, A)`, in f32, in the memory of `gate`.
    ///
    /// Source: Shazeer 2020 (arXiv 2002.05202), section 2, with the activations of [`GateActivation`].
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
        up: Tensor<f32, (T, A)>,
    ) -> Tensor<f32, (T, A)> {
        let (tokens, axis) = gate.shape();
        let reason = "the gate goes through its activation";
        slices::gated(self, gating.activation, gate.assume_mut(reason), up.data());
        gate.assume_axes((tokens, axis.inner()), reason)
    }
}
