//! Residual addition and the gate of the feed-forward network.

use crate::cpu::Cpu;
use crate::float::GateActivation;
use crate::slices;
use trine_shapes::{Axis, Gate, Shape, Tensor, View};

impl Cpu {
    /// `x += y`, the residual connection, in f32; both have the shape `S`.
    ///
    /// Source: He et al. 2015 (arXiv 1512.03385), equation 1.
    ///
    /// ```
    /// use trine_kernels::Cpu;
    /// use trine_shapes::*;
    ///
    /// type Of<A> = (Fixed<1>, Fixed<8>, A);
    /// fn residual<M: Model>(cpu: &Cpu, x: &mut Tensor<f32, Of<Hidden<M>>>, y: View<f32, Of<Hidden<M>>>) {
    ///     cpu.add_assign(x, y);
    /// }
    /// ```
    /// The inside of the feed-forward network has another width:
    /// ```compile_fail,E0308
    /// # use trine_kernels::Cpu;
    /// # use trine_shapes::*;
    /// # type Of<A> = (Fixed<1>, Fixed<8>, A);
    /// fn residual<M: Model>(cpu: &Cpu, x: &mut Tensor<f32, Of<Hidden<M>>>, y: View<f32, Of<Ffn<M>>>) {
    ///     cpu.add_assign(x, y);
    /// }
    /// ```
    pub fn add_assign<S: Shape>(&self, x: &mut Tensor<f32, S>, y: View<'_, f32, S>) {
        slices::add_assign(self, x.data_mut(), y.data());
    }

    /// `activation(gate) * up`: `(B, S, Gate<A>), (B, S, A) -> (B, S, A)`, in f32, in the memory of `gate`.
    ///
    /// Source: Shazeer 2020 (arXiv 2002.05202), section 2, with the activations of [`GateActivation`].
    ///
    /// ```
    /// use trine_kernels::{Cpu, GateActivation};
    /// use trine_shapes::*;
    ///
    /// type Of<A> = (Fixed<1>, Fixed<8>, A);
    /// fn gated<M: Model>(cpu: &Cpu, gate: Tensor<f32, Of<Gate<Ffn<M>>>>, up: Tensor<f32, Of<Ffn<M>>>) {
    ///     cpu.gated(GateActivation::ReluSquared, gate, up.view());
    /// }
    /// ```
    /// Exchanged, the wrong one would go through the activation:
    /// ```compile_fail,E0308
    /// # use trine_kernels::{Cpu, GateActivation};
    /// # use trine_shapes::*;
    /// # type Of<A> = (Fixed<1>, Fixed<8>, A);
    /// fn gated<M: Model>(cpu: &Cpu, gate: Tensor<f32, Of<Gate<Ffn<M>>>>, up: Tensor<f32, Of<Ffn<M>>>) {
    ///     cpu.gated(GateActivation::ReluSquared, up, gate.view());
    /// }
    /// ```
    pub fn gated<B: Axis, S: Axis, A: Axis>(
        &self,
        activation: GateActivation,
        mut gate: Tensor<f32, (B, S, Gate<A>)>,
        up: View<'_, f32, (B, S, A)>,
    ) -> Tensor<f32, (B, S, A)> {
        slices::gated(self, activation, gate.data_mut(), up.data());
        let (batch, seq, axis) = gate.shape();
        let shape = (batch, seq, axis.inner());
        Tensor::check("gated", gate.into_data(), &shape.lens(), shape).expect("the same lengths")
    }
}
