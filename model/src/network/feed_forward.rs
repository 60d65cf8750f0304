//! The feed-forward network that most blocks have: a gated linear unit.

use super::linear::{Linear, SubNorm};
use super::ops::Ops;
use crate::description::BlockNorm;
use trine_kernels::Matrix;
use trine_ops::{Activations, Gating};
use trine_shapes::{Axis, Branch, Ffn, FfnNorm, FfnSubNorm, Gate, Hidden, Model, Normed, Tensor};

/// `W_down norm(act(W_gate h) * (W_up h))` (Shazeer 2020, arXiv 2002.05202); with SiLU as `act` it is SwiGLU, BitNet
/// b1.58 2B4T has a squared ReLU.
#[derive(Debug)]
pub struct SwiGlu<M> {
    /// What the gate goes through before it multiplies.
    pub gating: Gating<Ffn<M>>,
    /// `W_gate`.
    pub gate: Linear<Gate<Ffn<M>>, Normed<FfnNorm, Hidden<M>>>,
    /// `W_up`.
    pub up: Linear<Ffn<M>, Normed<FfnNorm, Hidden<M>>>,
    /// Norm before `W_down`.
    pub sub_norm: SubNorm<FfnSubNorm, Ffn<M>>,
    /// `W_down`.
    pub down: Linear<Branch<Hidden<M>>, Normed<FfnSubNorm, Ffn<M>>>,
}

impl<M: Model> SwiGlu<M> {
    pub(super) fn forward<T: Axis>(
        &self,
        ops: &impl Ops,
        h: Activations<T, Normed<FfnNorm, Hidden<M>>>,
    ) -> Tensor<f32, (T, Branch<Hidden<M>>)> {
        let gate = ops.linear(&h, &self.gate);
        let up = ops.linear(&h, &self.up);
        let gated = ops.gated(self.gating, gate, up);
        let gated = self.sub_norm.apply(ops, BlockNorm::FfnSub, gated);
        ops.linear(&Activations::new(gated), &self.down)
    }

    /// The same weights with each matrix replaced by what `f` makes of it, which has the same dimensions.
    pub(crate) fn map_matrices(self, f: impl Fn(Matrix) -> Matrix) -> Self {
        SwiGlu { gate: self.gate.map(&f), up: self.up.map(&f), down: self.down.map(&f), ..self }
    }
}
