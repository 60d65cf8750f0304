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
    /// type Of<A> = (Fixed<8>, A);
    /// fn residual<M: Model>(cpu: &Cpu, x: &mut Tensor<f32, Of<Hidden<M>>>, y: View<f32, Of<Hidden<M>>>) {
    ///     cpu.add_assign(x, y);
    /// }
    /// ```
    /// The inside of the feed-forward network has another width:
    /// ```compile_fail,E0308
    /// # use trine_kernels::Cpu;
    /// # use trine_shapes::*;
    /// # type Of<A> = (Fixed<8>, A);
    /// fn residual<M: Model>(cpu: &Cpu, x: &mut Tensor<f32, Of<Hidden<M>>>, y: View<f32, Of<Ffn<M>>>) {
    ///     cpu.add_assign(x, y);
    /// }
    /// ```
    pub fn add_assign<S: Shape>(&self, x: &mut Tensor<f32, S>, y: View<'_, f32, S>) {
        slices::add_assign(self, x.data_mut(), y.data());
    }

    /// `activation(gate) * up`: `(T, Gate<A>), (T, A) -> (T, A)`, in f32, in the memory of `gate`.
    ///
    /// Source: Shazeer 2020 (arXiv 2002.05202), section 2, with the activations of [`GateActivation`].
    ///
    /// ```
    /// use trine_kernels::{Cpu, GateActivation};
    /// use trine_shapes::*;
    ///
    /// type Of<A> = (Fixed<8>, A);
    /// fn gated<M: Model>(cpu: &Cpu, gate: Tensor<f32, Of<Gate<Ffn<M>>>>, up: Tensor<f32, Of<Ffn<M>>>) {
    ///     cpu.gated(GateActivation::ReluSquared, gate, up.view());
    /// }
    /// ```
    /// Exchanged, the wrong one would go through the activation:
    /// ```compile_fail,E0308
    /// # use trine_kernels::{Cpu, GateActivation};
    /// # use trine_shapes::*;
    /// # type Of<A> = (Fixed<8>, A);
    /// fn gated<M: Model>(cpu: &Cpu, gate: Tensor<f32, Of<Gate<Ffn<M>>>>, up: Tensor<f32, Of<Ffn<M>>>) {
    ///     cpu.gated(GateActivation::ReluSquared, up, gate.view());
    /// }
    /// ```
    pub fn gated<T: Axis, A: Axis>(
        &self,
        activation: GateActivation,
        mut gate: Tensor<f32, (T, Gate<A>)>,
        up: View<'_, f32, (T, A)>,
    ) -> Tensor<f32, (T, A)> {
        slices::gated(self, activation, gate.data_mut(), up.data());
        let (tokens, axis) = gate.shape();
        Tensor::from_data((tokens, axis.inner()), gate.into_data())
    }
}
