//! The mixer that most blocks of hybrid models have: the gated delta rule behind a short convolution.

use super::linear::Linear;
use super::ops::Ops;
use super::part::Part;
use crate::description::BlockNorm;
use trine_kernels::Matrix;
use trine_ops::{Activations, ConvolutionState, DeltaRates, DeltaState, Gating, HeadOrder, RmsNorm};
use trine_shapes::{
    AttnNorm, Branch, ConvolutionTaps, DeltaChannels, DeltaHeads, DeltaNorm, DeltaValue, DeltaWidth, Gate, Hidden,
    Model, Normed, Step, Tensor,
};

/// Weights of the gated delta rule, each in its role (Yang, Kautz and Hatamizadeh 2024, arXiv 2412.06464; as Qwen3.5
/// has it).
#[derive(Debug)]
pub struct DeltaNet<M> {
    /// Queries, keys and values of all heads.
    pub input: Linear<DeltaChannels<M>, Normed<AttnNorm, Hidden<M>>>,
    /// The output gate.
    pub gate: Linear<Gate<DeltaWidth<M>>, Normed<AttnNorm, Hidden<M>>>,
    /// How long heads remember.
    pub alpha: Linear<DeltaHeads<M>, Normed<AttnNorm, Hidden<M>>>,
    /// How much heads take of a token.
    pub beta: Linear<Gate<DeltaHeads<M>>, Normed<AttnNorm, Hidden<M>>>,
    /// The taps of the convolution.
    pub taps: Tensor<f32, (DeltaChannels<M>, ConvolutionTaps<M>)>,
    /// How fast heads forget.
    pub rates: DeltaRates<M>,
    /// Norm of what each head reads.
    pub norm: RmsNorm<DeltaNorm, DeltaValue<M>>,
    /// What the output gate goes through.
    pub gating: Gating<DeltaWidth<M>>,
    /// Which head of keys a head of values has.
    pub order: HeadOrder,
    /// Back to the residual width.
    pub output: Linear<Branch<Hidden<M>>, Normed<DeltaNorm, DeltaWidth<M>>>,
}

impl<M: Model> DeltaNet<M> {
    /// `W_o (norm(y) silu(z))`, with `y` what the delta rule reads for the convolved queries, keys and values of the
    /// normalised stream `h`, and `z` the output gate. Both states of the layer go on behind the tokens.
    pub(super) fn mix<T: Step>(
        &self,
        ops: &impl Ops,
        h: Activations<T, Normed<AttnNorm, Hidden<M>>>,
        (inputs, states): (ConvolutionState<'_, T, M>, DeltaState<'_, T, M>),
    ) -> Tensor<f32, (T, Branch<Hidden<M>>)> {
        let channels = ops.linear(&h, &self.input);
        let gate = ops.linear(&h, &self.gate);
        let (alpha, beta) = (ops.linear(&h, &self.alpha), ops.linear(&h, &self.beta));
        let channels = ops.seen(Part::Convolution, ops.cpu().short_convolution(channels, self.taps.view(), inputs));
        let gates = ops.cpu().delta_gates(alpha, beta, &self.rates);
        let settings = (self.order, self.norm.epsilon());
        let read = ops.seen(Part::DeltaRule, ops.cpu().delta_rule(channels, &gates, settings, states));
        let gated = ops.cpu().gated_head_norm(read, &self.norm, self.gating, gate);
        let gated = ops.seen(Part::Norm(BlockNorm::Delta), gated);
        ops.linear(&Activations::new(gated), &self.output)
    }

    /// The same weights with each matrix replaced by what `f` makes of it, which has the same dimensions.
    pub(crate) fn map_matrices(self, f: impl Fn(Matrix) -> Matrix) -> Self {
        let DeltaNet { input, gate, alpha, beta, output, .. } = self;
        let (input, gate, output) = (input.map(&f), gate.map(&f), output.map(&f));
        let (alpha, beta) = (alpha.map(&f), beta.map(&f));
        DeltaNet { input, gate, alpha, beta, output, ..self }
    }
}
