//! Residual addition and the gate of the feed-forward network.

use crate::cpu::Cpu;
use crate::float::GateActivation;
use crate::slices;
use trine_shapes::{Shape, Tensor, View};

impl Cpu {
    /// `x += y`, the residual connection, in f32.
    pub fn add_assign<S: Shape>(&self, x: &mut Tensor<f32, S>, y: View<'_, f32, S>) {
        slices::add_assign(self, x.data_mut(), y.data());
    }

    /// `activation(gate) * up`, in f32, in the memory of `gate`.
    pub fn gated<S: Shape>(
        &self,
        activation: GateActivation,
        mut gate: Tensor<f32, S>,
        up: View<'_, f32, S>,
    ) -> Tensor<f32, S> {
        slices::gated(self, activation, gate.data_mut(), up.data());
        gate
    }
}
