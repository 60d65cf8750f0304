//! The axes of blocks that mix positions by the gated delta rule, and of attention with an output gate.
//!
//! What belongs here: axes and roles. What does not: their lengths ([`Dims`](crate::Dims)), and arithmetic.

use crate::axis::Axis;
use crate::model::{Heads, Model};
use crate::role::marked_axis;

axis! {
    /// Blocks that mix positions by the delta rule: their weights and their states have one index.
    pub struct RecurrentLayers<M: Model> = |dims| dims.recurrent.layers;
    /// Heads of queries and keys of the delta rule.
    pub struct DeltaKeyHeads<M: Model> = |dims| dims.recurrent.key_heads;
    /// Heads of values of the delta rule: each has a state, a decay and a strength of its own.
    pub struct DeltaHeads<M: Model> = |dims| dims.recurrent.value_heads;
    /// Width of a head of queries or keys of the delta rule.
    pub struct DeltaKey<M: Model> = |dims| dims.recurrent.key_dim;
    /// Width of a head of values of the delta rule.
    pub struct DeltaValue<M: Model> = |dims| dims.recurrent.value_dim;
    /// Queries, keys and values of all heads side by side: the channels of the convolution before the delta rule.
    pub struct DeltaChannels<M: Model> = |dims| dims.recurrent.channels();
    /// Positions that the convolution looks at.
    pub struct ConvolutionTaps<M: Model> = |dims| dims.recurrent.taps;
    /// The queries of one head, then its output gate.
    pub struct QueryAndGate<M: Model> = |dims| 2 * dims.head_dim;
}

product! {
    /// Width of the values of all heads of the delta rule: `DeltaHeads x DeltaValue`.
    pub struct DeltaWidth<M: Model> = DeltaHeads<M> x DeltaValue<M>;
    /// Queries and output gates of all heads: `Heads x QueryAndGate`.
    pub struct GatedQWidth<M: Model> = Heads<M> x QueryAndGate<M>;
}

norm_role! {
    /// Of what each head reads from its state, before its gate (`ssm_norm`).
    pub enum DeltaNorm: HeadNorm = "ssm_norm";
}

/// Axis `A` after the convolution along its sequence: what the delta rule takes.
///
/// ```
/// use trine_shapes::*;
/// fn rule<M: Model>(channels: Convolved<DeltaChannels<M>>) {}
/// fn mixer<M: Model>(channels: Convolved<DeltaChannels<M>>) {
///     rule(channels)
/// }
/// ```
/// What the convolution has not seen yet is something else:
/// ```compile_fail,E0308
/// # use trine_shapes::*;
/// # fn rule<M: Model>(channels: Convolved<DeltaChannels<M>>) {}
/// fn mixer<M: Model>(channels: DeltaChannels<M>) {
///     rule(channels)
/// }
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Convolved<A>(A);

impl<A: Axis> Convolved<A> {
    /// The axis `A` of what was convolved.
    #[inline]
    pub fn of(axis: A) -> Self {
        Convolved(axis)
    }
}
marked_axis!(Convolved<A>, A);
