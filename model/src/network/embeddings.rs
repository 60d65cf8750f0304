//! One row for each text of a step, where texts are compared and not continued.
//!
//! What belongs here: the forward pass up to that row. What does not: which texts are in a step, and comparing.

use super::ops::Ops;
use super::step::StepInput;
use super::transformer::Transformer;
use trine_ops::Pooling;
use trine_shapes::{Hidden, Model, Pooled, Sequences, Step, Tensor};

impl<M: Model> Transformer<M> {
    /// Runs one step, and returns for each sequence the row that stands for its tokens of this step: of length 1, so
    /// that the product of two rows is their cosine. No head takes such a row.
    ///
    /// ```
    /// use trine_model::{StepInput, Transformer};
    /// use trine_ops::{Cpu, Pooling};
    /// use trine_shapes::{Hidden, Model, Pooled, Sequences, Step, Tensor};
    ///
    /// type Rows<T, M> = Tensor<f32, (Sequences<T>, Pooled<Hidden<M>>)>;
    /// fn embed<M: Model, T: Step>(cpu: &Cpu, model: &Transformer<M>, step: StepInput<M, T>) -> Rows<T, M> {
    ///     model.embeddings(cpu, step, Pooling::Last)
    /// }
    /// ```
    pub fn embeddings<T: Step>(
        &self,
        ops: &impl Ops,
        step: StepInput<'_, M, T>,
        pooling: Pooling,
    ) -> Tensor<f32, (Sequences<T>, Pooled<Hidden<M>>)> {
        let x = self.residual(ops, step, &mut |_, _| ());
        ops.cpu().unit_rows(ops.cpu().pool(self.normed(ops, x), pooling))
    }
}
