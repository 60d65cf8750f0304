//! A matrix of a block that knows which one it is, and a norm that some architectures leave out.

use super::ops::Ops;
use super::part::Part;
use crate::description::{BlockNorm, Projection};
use std::ops::Deref;
use trine_kernels::Matrix;
use trine_ops::{Fold, RmsNorm, Weight};
use trine_shapes::{Axis, InputNorm, Made, NoNorm, NormRole, Normed, Role, Tensor};

/// A matrix in whatever packing its file has, the bias of its product if it has one, and which matrix of a block it is.
#[derive(Clone, Debug)]
pub struct Linear<Out, In> {
    weight: Weight<Matrix, Out, In>,
    projection: Projection,
}

impl<Out: Made, In: Axis> Linear<Out, In> {
    /// The matrix of a projection.
    pub fn new(projection: Projection, weight: Weight<Matrix, Out, In>) -> Self {
        Linear { weight, projection }
    }

    /// Which matrix of a block.
    pub fn projection(&self) -> Projection {
        self.projection
    }

    /// The same matrix as one that is folded.
    pub(crate) fn with_fold(self, fold: Fold<In::Plain>) -> Self
    where
        In: Role,
    {
        Linear { weight: self.weight.with_fold(fold), ..self }
    }

    /// The same matrix behind a norm of its own input.
    pub(crate) fn with_input_norm(self, norm: &RmsNorm<InputNorm, In::Plain>) -> Self
    where
        In: Role,
    {
        Linear { weight: self.weight.with_input_norm(norm), ..self }
    }

    /// The same matrix as `f` makes it, which has the same dimensions.
    pub(crate) fn map(self, f: impl FnOnce(Matrix) -> Matrix) -> Self {
        Linear { weight: self.weight.map(f), ..self }
    }
}

/// The weight, so that a linear layer is passed wherever its weight is.
impl<Out, In> Deref for Linear<Out, In> {
    type Target = Weight<Matrix, Out, In>;

    fn deref(&self) -> &Weight<Matrix, Out, In> {
        &self.weight
    }
}

/// A norm that some architectures have and others do not.
#[derive(Debug)]
pub enum SubNorm<R, A> {
    /// `bitnet*`.
    RmsNorm(RmsNorm<R, A>),
    /// `llama`, which says that it has none.
    None(NoNorm<R>),
}

impl<R: NormRole, A: Axis> SubNorm<R, A> {
    pub(super) fn apply<T: Axis>(
        &self,
        ops: &impl Ops,
        norm: BlockNorm,
        x: Tensor<f32, (T, A)>,
    ) -> Tensor<f32, (T, Normed<R, A>)> {
        match self {
            SubNorm::RmsNorm(gains) => ops.norm(norm, x, gains),
            SubNorm::None(evidence) => ops.seen(Part::Norm(norm), x.without_norm(*evidence)),
        }
    }
}
