//! The mixer that most blocks have: attention over the positions of a sequence.

use super::linear::{Linear, SubNorm};
use super::ops::Ops;
use super::part::Part;
use crate::description::{BlockNorm, QkNorm};
use std::num::NonZeroUsize;
use std::sync::Arc;
use trine_kernels::Matrix;
use trine_ops::{Activations, KvLayer, RmsNorm, Rope};
use trine_shapes::{
    AttentionLayers, AttnNorm, AttnSubNorm, Branch, Gate, GatedQWidth, HeadDim, Heads, Hidden, KeyNorm, KvHeads,
    KvWidth, Model, Normed, QWidth, QueryNorm, Step, Tensor, Value,
};

/// Weights of attention, each in its role, so that no two can be exchanged.
///
/// ```
/// use trine_ops::{Activations, Cpu};
/// use trine_model::Attention;
/// use trine_shapes::*;
///
/// type Normalised<T, M> = Activations<T, Normed<AttnNorm, Hidden<M>>>;
/// type Keys<T, M> = Tensor<f32, (T, KvWidth<M>)>;
/// fn keys<T: Step, M: Model>(cpu: &Cpu, h: &Normalised<T, M>, attention: &Attention<M>) -> Keys<T, M> {
///     cpu.linear(h, &attention.key)
/// }
/// ```
/// The matrix of the values is as large as that of the keys:
/// ```compile_fail,E0308
/// # use trine_ops::{Activations, Cpu};
/// # use trine_model::Attention;
/// # use trine_shapes::*;
/// # type Normalised<T, M> = Activations<T, Normed<AttnNorm, Hidden<M>>>;
/// # type Keys<T, M> = Tensor<f32, (T, KvWidth<M>)>;
/// fn keys<T: Step, M: Model>(cpu: &Cpu, h: &Normalised<T, M>, attention: &Attention<M>) -> Keys<T, M> {
///     cpu.linear(h, &attention.value)
/// }
/// ```
#[derive(Debug)]
pub struct Attention<M> {
    /// `W_q`.
    pub query: Queries<M>,
    /// `W_k`.
    pub key: Linear<KvWidth<M>, Normed<AttnNorm, Hidden<M>>>,
    /// `W_v`.
    pub value: Linear<Value<KvWidth<M>>, Normed<AttnNorm, Hidden<M>>>,
    /// Norms of each head of queries and of keys, where the architecture has them.
    pub qk_norm: Option<QkNorms<M>>,
    /// Which positions queries see.
    pub reach: Reach<M>,
    /// Norm before `W_o`.
    pub sub_norm: SubNorm<AttnSubNorm, QWidth<M>>,
    /// `W_o`.
    pub output: Linear<Branch<Hidden<M>>, Normed<AttnSubNorm, QWidth<M>>>,
}

/// The query projection, which makes gates too in some graphs.
#[derive(Debug)]
pub enum Queries<M> {
    /// Queries alone.
    Plain(Linear<QWidth<M>, Normed<AttnNorm, Hidden<M>>>),
    /// Of each head queries, then a gate for what it attends to (Qwen3.5).
    Gated(Linear<GatedQWidth<M>, Normed<AttnNorm, Hidden<M>>>),
}

/// A gate as wide as the queries.
type OutputGate<T, M> = Tensor<f32, (T, Gate<QWidth<M>>)>;

impl<M: Model> Queries<M> {
    /// The matrix, whatever it makes.
    pub fn matrix(&self) -> &Matrix {
        match self {
            Queries::Plain(linear) => linear.data(),
            Queries::Gated(linear) => linear.data(),
        }
    }

    /// The queries of all heads, and the gate where there is one.
    fn of<T: Step>(
        &self,
        ops: &impl Ops,
        h: &Activations<T, Normed<AttnNorm, Hidden<M>>>,
    ) -> (Tensor<f32, (T, Heads<M>, HeadDim<M>)>, Option<OutputGate<T, M>>) {
        match self {
            Queries::Plain(linear) => (ops.linear(h, linear).split(), None),
            Queries::Gated(linear) => {
                let (queries, gates) = ops.cpu().queries_and_gates(ops.linear(h, linear));
                (queries, Some(gates))
            }
        }
    }

    fn map(self, f: impl Fn(Matrix) -> Matrix) -> Self {
        match self {
            Queries::Plain(linear) => Queries::Plain(linear.map(f)),
            Queries::Gated(linear) => Queries::Gated(linear.map(f)),
        }
    }
}

/// Which positions the queries of a layer see. Layers of one model may differ in it (Gemma 3, Maple).
#[derive(Debug)]
pub enum Reach<M> {
    /// All up to their own. Queries and keys rotate as the model says, or not at all.
    Global,
    /// The last ones up to their own.
    Sliding {
        /// How many, their own among them.
        window: NonZeroUsize,
        /// The rotation of such layers, in the place of the model's.
        rope: Arc<Rope<HeadDim<M>>>,
    },
}

/// Norms of the heads of queries and keys.
#[derive(Debug)]
pub struct QkNorms<M> {
    /// Before RoPE turns them (Qwen3), or behind it (HunYuan).
    pub place: QkNorm,
    /// Of each query head.
    pub query: RmsNorm<QueryNorm, HeadDim<M>>,
    /// Of each key head.
    pub key: RmsNorm<KeyNorm, HeadDim<M>>,
}

impl<M: Model> Attention<M> {
    /// `W_o norm(softmax(q k^T / sqrt(d)) v)` with `q`, `k` and `v` of the normalised stream `h`, where the graph has
    /// it through a gate; the keys and values go into the cache of this layer.
    pub(super) fn mix<T: Step>(
        &self,
        ops: &impl Ops,
        rope: &Rope<HeadDim<M>>,
        h: Activations<T, Normed<AttnNorm, Hidden<M>>>,
        cache: KvLayer<'_, '_, T, AttentionLayers<M>, KvHeads<M>, HeadDim<M>>,
    ) -> Tensor<f32, (T, Branch<Hidden<M>>)> {
        let (mut q, gate) = self.query.of(ops, &h);
        let mut k = ops.linear(&h, &self.key).split();
        let v = ops.linear(&h, &self.value).split();
        let norms_at = |place| self.qk_norm.as_ref().filter(|norms| norms.place == place);
        if let Some(norms) = norms_at(QkNorm::BeforeRope) {
            q = ops.head_norm(BlockNorm::Query, q, &norms.query);
            k = ops.head_norm(BlockNorm::Key, k, &norms.key);
        }
        let (rope, window) = match &self.reach {
            Reach::Global => (rope, NonZeroUsize::MAX),
            Reach::Sliding { window, rope } => (&**rope, *window),
        };
        let mut q = ops.rope(Part::QueryRope, q, rope);
        let mut k = ops.rope(Part::KeyRope, k, rope);
        if let Some(norms) = norms_at(QkNorm::AfterRope) {
            q = ops.rotated_head_norm(BlockNorm::Query, q, &norms.query);
            k = ops.rotated_head_norm(BlockNorm::Key, k, &norms.key);
        }
        let cached = cache.append(k.view(), v.view());
        let mut a = ops.attention(q.view(), &cached, window).merge();
        if let Some(gate) = gate {
            a = ops.seen(Part::AttentionGated, ops.cpu().output_gated(a, gate));
        }
        let a = self.sub_norm.apply(ops, BlockNorm::AttnSub, a);
        ops.linear(&Activations::new(a), &self.output)
    }

    /// The same weights with each matrix replaced by what `f` makes of it, which has the same dimensions.
    pub(crate) fn map_matrices(self, f: impl Fn(Matrix) -> Matrix) -> Self {
        let Attention { query, key, value, qk_norm, reach, sub_norm, output } = self;
        let (query, key, value, output) = (query.map(&f), key.map(&f), value.map(&f), output.map(&f));
        Attention { query, key, value, qk_norm, reach, sub_norm, output }
    }
}
