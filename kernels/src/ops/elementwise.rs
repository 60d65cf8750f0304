//! Residual addition and the gate of the feed-forward network.

use crate::arch::floats;
use crate::cpu::Cpu;
use crate::float::GateActivation;
use crate::float::elementwise::{Add, Gate};
use trine_shapes::{Shape, Tensor, View};

/// Elements for which it pays to ask another thread.
const ELEMENTS_PER_TASK: usize = 1 << 14;

impl Cpu {
    /// `x += y`, the residual connection, in f32.
    pub fn add_assign<S: Shape>(&self, x: &mut Tensor<f32, S>, y: View<'_, f32, S>) {
        self.zip_tasks(x.data_mut(), y.data(), |x, y| floats::run(self.isa(), Add { x, y }));
    }

    /// `activation(gate) * up`, in f32, in the memory of `gate`.
    pub fn gated<S: Shape>(
        &self,
        activation: GateActivation,
        mut gate: Tensor<f32, S>,
        up: View<'_, f32, S>,
    ) -> Tensor<f32, S> {
        self.zip_tasks(gate.data_mut(), up.data(), |gate, up| {
            floats::run(self.isa(), Gate { activation, gate, up });
        });
        gate
    }

    /// Runs `work` on equal parts of both slices, on several threads where they are long.
    fn zip_tasks(&self, x: &mut [f32], y: &[f32], work: impl Fn(&mut [f32], &[f32]) + Send + Sync) {
        assert_eq!(x.len(), y.len(), "elements of two tensors of one shape");
        let mut tasks: Vec<_> = x.chunks_mut(ELEMENTS_PER_TASK).zip(y.chunks(ELEMENTS_PER_TASK)).collect();
        self.for_each(&mut tasks, |_, (x, y)| work(x, y));
    }
}
