//! The forward pass, as the paper has it. Shapes are types, so nothing here can fail; names and dtypes of files are
//! in [`weights`](crate::weights), arithmetic is in `trine-kernels`.
//!
//! With `x` the residual stream, a block computes (BitNet b1.58 2B4T technical report, section 2; sub-norms are the
//! identity in the `llama` architecture):
//!
//! ```text
//! h = RMSNorm(x, attn_norm)
//! x = x + W_o RMSNorm(Attention(RoPE(W_q h), RoPE(W_k h), W_v h), attn_sub_norm)
//! h = RMSNorm(x, ffn_norm)
//! x = x + W_down RMSNorm(act(W_gate h) * (W_up h), ffn_sub_norm)
//! ```
//!
//! A matrix that has a bias `b`, which some files of the `llama` architecture give it, stands for `W h + b`.

use crate::cache::{LayerCache, Step};
use crate::config::Config;
use crate::generation::{Logits, LogitsRequest};
use crate::part::{Part, Watch};
use crate::role::{BlockNorm, Projection};
use trine_kernels::{Activations, Cpu, GateActivation, Matrix, RmsNorm, Rope, Shortlist};
use trine_shapes::{
    AttnNorm, AttnSubNorm, Axis, Ffn, FfnNorm, FfnSubNorm, Fixed, Gate, HeadDim, Hidden, KvWidth, Model, NormRole,
    Normed, OutputNorm, Plus, QWidth, Tensor, Value, Vocab, Weight,
};

/// A matrix in whatever packing its file has, and the bias of its product if it has one.
pub type Linear<Out, In> = Weight<Matrix, Out, In>;

/// A norm that some architectures have and others do not.
#[derive(Debug)]
pub enum SubNorm<R, A> {
    /// `bitnet*`.
    RmsNorm(RmsNorm<R, A>),
    /// `llama`.
    Identity,
}

impl<R: NormRole, A: Axis> SubNorm<R, A> {
    fn apply<B: Axis, S: Axis>(&self, cpu: &Cpu, x: Tensor<f32, (B, S, A)>) -> Tensor<f32, (B, S, Normed<R, A>)> {
        match self {
            SubNorm::RmsNorm(norm) => cpu.rms_norm(x.view(), norm),
            SubNorm::Identity => x.without_norm(),
        }
    }
}

/// Weights of one block, each in its role, so that no two can be exchanged.
///
/// ```
/// use trine_kernels::{Activations, Cpu};
/// use trine_model::Layer;
/// use trine_shapes::*;
///
/// type Normalised<M> = Activations<Fixed<1>, Fixed<8>, Normed<AttnNorm, Hidden<M>>>;
/// type Keys<M> = Tensor<f32, (Fixed<1>, Fixed<8>, KvWidth<M>)>;
/// fn keys<M: Model>(cpu: &Cpu, h: &Normalised<M>, block: &Layer<M>) -> Keys<M> {
///     cpu.linear(h, &block.key)
/// }
/// ```
/// The matrix of the values is as large as that of the keys:
/// ```compile_fail,E0308
/// # use trine_kernels::{Activations, Cpu};
/// # use trine_model::Layer;
/// # use trine_shapes::*;
/// # type Normalised<M> = Activations<Fixed<1>, Fixed<8>, Normed<AttnNorm, Hidden<M>>>;
/// # type Keys<M> = Tensor<f32, (Fixed<1>, Fixed<8>, KvWidth<M>)>;
/// fn keys<M: Model>(cpu: &Cpu, h: &Normalised<M>, block: &Layer<M>) -> Keys<M> {
///     cpu.linear(h, &block.value)
/// }
/// ```
#[derive(Debug)]
pub struct Layer<M> {
    /// Norm before attention.
    pub attn_norm: RmsNorm<AttnNorm, Hidden<M>>,
    /// `W_q`.
    pub query: Linear<QWidth<M>, Normed<AttnNorm, Hidden<M>>>,
    /// `W_k`.
    pub key: Linear<KvWidth<M>, Normed<AttnNorm, Hidden<M>>>,
    /// `W_v`.
    pub value: Linear<Value<KvWidth<M>>, Normed<AttnNorm, Hidden<M>>>,
    /// Norm before `W_o`.
    pub attn_sub_norm: SubNorm<AttnSubNorm, QWidth<M>>,
    /// `W_o`.
    pub attn_output: Linear<Hidden<M>, Normed<AttnSubNorm, QWidth<M>>>,
    /// Norm before the feed-forward network.
    pub ffn_norm: RmsNorm<FfnNorm, Hidden<M>>,
    /// `W_gate`.
    pub gate: Linear<Gate<Ffn<M>>, Normed<FfnNorm, Hidden<M>>>,
    /// `W_up`.
    pub up: Linear<Ffn<M>, Normed<FfnNorm, Hidden<M>>>,
    /// Norm before `W_down`.
    pub ffn_sub_norm: SubNorm<FfnSubNorm, Ffn<M>>,
    /// `W_down`.
    pub down: Linear<Hidden<M>, Normed<FfnSubNorm, Ffn<M>>>,
}

impl<M: Model> Layer<M> {
    /// Adds this block's attention and feed-forward network to the residual stream `x`, and its keys and values to
    /// the cache.
    fn forward<B: Axis, P: Axis, S: Axis>(
        &self,
        cpu: &Cpu,
        shared: &Shared<M>,
        x: &mut Tensor<f32, (B, S, Hidden<M>)>,
        cache: &mut LayerCache<M, B>,
        at: Plus<P, S>,
        watch: &mut Watch<'_, impl FnMut(Option<usize>, Part, &[f32])>,
    ) {
        let h = watch.see(Part::Norm(BlockNorm::Attn), cpu.rms_norm(x.view(), &self.attn_norm));
        let h = Activations::new(h);
        let q = watch.see(Part::Matrix(Projection::Query), cpu.linear(&h, &self.query));
        let k = watch.see(Part::Matrix(Projection::Key), cpu.linear(&h, &self.key));
        let v = watch.see(Part::Matrix(Projection::Value), cpu.linear(&h, &self.value)).split();
        let q = watch.see(Part::QueryRope, cpu.rope(q.split(), &shared.rope, at));
        let k = watch.see(Part::KeyRope, cpu.rope(k.split(), &shared.rope, at));
        let (keys, values) = cache.append(k.view(), v.view(), at);
        let a = watch.see(Part::Attention, cpu.attention(q.view(), keys, values)).merge();
        let a = watch.see(Part::Norm(BlockNorm::AttnSub), self.attn_sub_norm.apply(cpu, a));
        let a = watch.see(Part::Matrix(Projection::AttnOutput), cpu.linear(&Activations::new(a), &self.attn_output));
        cpu.add_assign(x, a.view());
        watch.see_values(Part::Residual, x.data());

        let h = watch.see(Part::Norm(BlockNorm::Ffn), cpu.rms_norm(x.view(), &self.ffn_norm));
        let h = Activations::new(h);
        let gate = watch.see(Part::Matrix(Projection::Gate), cpu.linear(&h, &self.gate));
        let up = watch.see(Part::Matrix(Projection::Up), cpu.linear(&h, &self.up));
        let gated = watch.see(Part::Gated, cpu.gated(shared.gate_activation, gate, up.view()));
        let gated = watch.see(Part::Norm(BlockNorm::FfnSub), self.ffn_sub_norm.apply(cpu, gated));
        let down = watch.see(Part::Matrix(Projection::Down), cpu.linear(&Activations::new(gated), &self.down));
        cpu.add_assign(x, down.view());
        watch.see_values(Part::Output, x.data());
    }
}

impl<M: Model> Layer<M> {
    /// The same block with each matrix replaced by what `f` makes of it, which has the same dimensions.
    pub(crate) fn map_matrices(self, f: impl Fn(Matrix) -> Matrix) -> Self {
        Layer {
            query: self.query.map(&f),
            key: self.key.map(&f),
            value: self.value.map(&f),
            attn_output: self.attn_output.map(&f),
            gate: self.gate.map(&f),
            up: self.up.map(&f),
            down: self.down.map(&f),
            ..self
        }
    }
}

/// What all blocks share.
#[derive(Debug)]
pub struct Shared<M> {
    /// Rotation tables.
    pub rope: Rope<HeadDim<M>>,
    /// The gate's non-linearity.
    pub gate_activation: GateActivation,
}

/// A transformer with every weight in its role. [`load`](crate::weights::load) makes one from a file.
#[derive(Debug)]
pub struct Transformer<M> {
    /// The environment that gives the axes their lengths.
    pub model: M,
    /// The description it was made from.
    pub config: Config,
    /// Token embedding; also the head where `output` is `None`.
    pub embedding: Weight<Matrix, Vocab<M>, Hidden<M>>,
    /// What all blocks share.
    pub shared: Shared<M>,
    /// The blocks.
    pub layers: Vec<Layer<M>>,
    /// Norm before the head.
    pub output_norm: RmsNorm<OutputNorm, Hidden<M>>,
    /// A head of its own, where it is not tied to the embedding.
    pub output: Option<Weight<Matrix, Vocab<M>, Hidden<M>>>,
    /// What finds the largest logits of the head without reading all of it.
    pub shortlist: Option<Weight<Shortlist, Vocab<M>, Hidden<M>>>,
}

impl<M: Model> Transformer<M> {
    /// Runs one step and returns the logits of every position.
    ///
    /// # Panics
    /// If the cache of the step was made for a transformer with another number of blocks.
    pub fn logits<B: Axis, P: Axis, S: Axis>(
        &self,
        cpu: &Cpu,
        step: Step<'_, M, B, P, S>,
    ) -> Tensor<f32, (B, S, Vocab<M>)> {
        let mut unseen = |_: Option<usize>, _: Part, _: &[f32]| ();
        let watch = &mut Watch::new(&mut unseen);
        let x = self.residual(cpu, step, watch);
        self.head(cpu, x, watch)
    }

    /// Runs one step and returns the logits of its last position, which predict the next token.
    ///
    /// # Panics
    /// If the cache of the step was made for a transformer with another number of blocks.
    pub fn next_logits<B: Axis, P: Axis, S: Axis>(
        &self,
        cpu: &Cpu,
        step: Step<'_, M, B, P, S>,
    ) -> Tensor<f32, (B, Fixed<1>, Vocab<M>)> {
        let mut unseen = |_: Option<usize>, _: Part, _: &[f32]| ();
        let watch = &mut Watch::new(&mut unseen);
        let x = self.residual(cpu, step, watch);
        self.head(cpu, x.view().last(), watch)
    }

    /// As [`next_logits`](Transformer::next_logits) for the logits that are asked for, of each sequence in its order,
    /// and calls `see` with the number of the block (`None` outside of blocks), each [`Part`] as soon as it is
    /// computed, and its values, row by row: of logits, those that are returned. What is computed stays the same.
    ///
    /// # Panics
    /// If the cache of the step was made for a transformer with another number of blocks.
    pub fn watched_logits<B: Axis, P: Axis, S: Axis>(
        &self,
        cpu: &Cpu,
        step: Step<'_, M, B, P, S>,
        request: LogitsRequest,
        see: &mut impl FnMut(Option<usize>, Part, &[f32]),
    ) -> Vec<Logits> {
        let watch = &mut Watch::new(see);
        let x = self.residual(cpu, step, watch);
        self.requested_logits(cpu, x.view().last(), request, watch)
    }

    /// Runs one step for its keys and values alone: a prompt that goes on.
    ///
    /// # Panics
    /// If the cache of the step was made for a transformer with another number of blocks.
    pub fn prefill<B: Axis, P: Axis, S: Axis>(&self, cpu: &Cpu, step: Step<'_, M, B, P, S>) {
        self.watched_prefill(cpu, step, &mut |_, _, _| ());
    }

    /// As [`prefill`](Transformer::prefill), and shows each part as [`watched_logits`](Transformer::watched_logits).
    ///
    /// # Panics
    /// If the cache of the step was made for a transformer with another number of blocks.
    pub fn watched_prefill<B: Axis, P: Axis, S: Axis>(
        &self,
        cpu: &Cpu,
        step: Step<'_, M, B, P, S>,
        see: &mut impl FnMut(Option<usize>, Part, &[f32]),
    ) {
        self.residual(cpu, step, &mut Watch::new(see));
    }

    /// The residual stream after the last block.
    fn residual<B: Axis, P: Axis, S: Axis>(
        &self,
        cpu: &Cpu,
        mut step: Step<'_, M, B, P, S>,
        watch: &mut Watch<'_, impl FnMut(Option<usize>, Part, &[f32])>,
    ) -> Tensor<f32, (B, S, Hidden<M>)> {
        assert_eq!(step.layers_mut().len(), self.layers.len(), "the cache is another transformer's");
        let mut x = watch.see(Part::Embedding, cpu.embed(step.tokens(), &self.embedding));
        let at = step.positions();
        for (block, (layer, cache)) in self.layers.iter().zip(step.layers_mut()).enumerate() {
            watch.block = Some(block);
            layer.forward(cpu, &self.shared, &mut x, cache, at, watch);
        }
        watch.block = None;
        step.commit();
        x
    }

    /// `logits = W RMSNorm(x, output_norm)`, with `W` the head or, where it is tied, the embedding.
    fn head<B: Axis, S: Axis>(
        &self,
        cpu: &Cpu,
        x: Tensor<f32, (B, S, Hidden<M>)>,
        watch: &mut Watch<'_, impl FnMut(Option<usize>, Part, &[f32])>,
    ) -> Tensor<f32, (B, S, Vocab<M>)> {
        let h = watch.see(Part::OutputNorm, cpu.rms_norm(x.view(), &self.output_norm));
        let head = self.output.as_ref().unwrap_or(&self.embedding);
        watch.see(Part::Logits, cpu.logits(&Activations::new(h), head))
    }

    /// As [`head`](Transformer::head), without the logits that a shortlist proves to be smaller than those asked for.
    fn requested_logits<B: Axis>(
        &self,
        cpu: &Cpu,
        x: Tensor<f32, (B, Fixed<1>, Hidden<M>)>,
        request: LogitsRequest,
        watch: &mut Watch<'_, impl FnMut(Option<usize>, Part, &[f32])>,
    ) -> Vec<Logits> {
        let tokens = Vocab::of(self.model).len();
        let (LogitsRequest::Largest(count), Some(shortlist)) = (request, &self.shortlist) else {
            return Logits::of_rows(self.head(cpu, x, watch).into_data(), tokens);
        };
        let h = watch.see(Part::OutputNorm, cpu.rms_norm(x.view(), &self.output_norm));
        let head = self.output.as_ref().unwrap_or(&self.embedding);
        let largest = cpu.largest_logits(&Activations::new(h), head, shortlist, count.get());
        let largest = largest.into_data().into_iter().map(|row| {
            watch.see_values(Part::Logits, &row.values);
            Logits::of_largest(tokens, row)
        });
        largest.collect()
    }
}
