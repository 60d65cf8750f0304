//! The feed-forward network that most blocks have: a gated linear unit.

use super::linear::{Linear, SubNorm};
use super::ops::{Ops, linears};
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

    /// What several networks make of one input, each matrix of theirs together with those of the others: with the bits
    /// of [`SwiGlu::forward`].
    pub(super) fn forward_all<T: Axis>(
        networks: &[&Self],
        ops: &impl Ops,
        h: &Activations<T, Normed<FfnNorm, Hidden<M>>>,
    ) -> Vec<Tensor<f32, (T, Branch<Hidden<M>>)>> {
        let gates = linears(ops, &networks.iter().map(|network| (h, &network.gate)).collect::<Vec<_>>());
        let ups = linears(ops, &networks.iter().map(|network| (h, &network.up)).collect::<Vec<_>>());
        let gated = networks.iter().zip(gates.into_iter().zip(ups)).map(|(network, (gate, up))| {
            let gated = ops.gated(network.gating, gate, up);
            Activations::new(network.sub_norm.apply(ops, BlockNorm::FfnSub, gated))
        });
        let gated: Vec<_> = gated.collect();
        linears(ops, &gated.iter().zip(networks).map(|(x, network)| (x, &network.down)).collect::<Vec<_>>())
    }

    /// The same weights with each matrix replaced by what `f` makes of it, which has the same dimensions.
    pub(crate) fn map_matrices(self, f: impl Fn(Matrix) -> Matrix) -> Self {
        SwiGlu { gate: self.gate.map(&f), up: self.up.map(&f), down: self.down.map(&f), ..self }
    }
}
