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
//! A matrix that has a bias `b`, which some files of the `llama` architecture give it, stands for `W h + b`. Qwen3 has
//! norms of the heads between `W_q`, `W_k` and RoPE. Qwen3.5 has the gated delta rule in place of attention in most
//! blocks ([`DeltaNet`]). MiniCPM multiplies the rows of the embedding by a number, each branch by another, and divides
//! the logits by a third ([`Scales`](crate::Scales)).
//! Gemma 3 normalises each branch before it is added, and most of its layers attend within a window ([`Reach`]).
//! HunYuan has the norms of the heads behind RoPE. The matrices of BitNet's embedding models have a norm each of what
//! they multiply ([`Weight::with_input_norm`](trine_ops::Weight::with_input_norm)). Maple has many feed-forward
//! networks in a block, of which each token goes to some ([`MixtureOfExperts`]), and layers without a window that do
//! not rotate.
//!
//! [`Reach`]: crate::Reach

use super::attention::Attention;
use super::delta_net::DeltaNet;
use super::experts::MixtureOfExperts;
use super::feed_forward::SwiGlu;
use super::ops::Ops;
use super::part::Part;
use super::step::StepInput;
use super::{Logits, LogitsRequest};
use crate::description::{BlockNorm, Config};
use trine_kernels::{Matrix, RowProducts, Shortlist};
use trine_ops::{Activations, Embedding, Head, RmsNorm, Rope};
use trine_shapes::{
    AttentionLayers, AttnNorm, Axis, Blocks, FfnNorm, HeadDim, Hidden, Idx, Model, Normed, OutputNorm, PerLayer,
    PostAttnNorm, PostFfnNorm, RecurrentLayers, Roleless, Sequences, Step, Tensor, Vocab,
};

/// What mixes the positions of a sequence in a block.
///
/// A kind of mixer has weights and state of its own, both found by one index, so that no layer meets the state of
/// another kind or of another layer.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Mixer<M> {
    /// Attention, whose state is keys and values.
    Attention(Idx<AttentionLayers<M>>),
    /// The gated delta rule, whose state is a matrix for each head and the last inputs of a convolution.
    Recurrent(Idx<RecurrentLayers<M>>),
}

/// What computes at each position for itself in a block.
#[derive(Debug)]
#[non_exhaustive]
#[allow(clippy::large_enum_variant, reason = "a block has one, and they lie in a list of blocks")]
pub enum FeedForward<M> {
    /// One network for all tokens.
    Dense(SwiGlu<M>),
    /// Many networks, of which each token goes to some.
    Experts(MixtureOfExperts<M>),
}

/// A block: two norms or four, and what is added to the residual stream behind each.
#[derive(Debug)]
pub struct Block<M> {
    /// Norm before the mixer.
    pub attn_norm: RmsNorm<AttnNorm, Hidden<M>>,
    /// Which layer mixes positions.
    pub mixer: Mixer<M>,
    /// Norm of what the mixer adds to the stream, where the architecture has it.
    pub post_attn_norm: Option<RmsNorm<PostAttnNorm, Hidden<M>>>,
    /// Norm before the feed-forward network.
    pub ffn_norm: RmsNorm<FfnNorm, Hidden<M>>,
    /// The feed-forward network.
    pub feed_forward: FeedForward<M>,
    /// Norm of what the feed-forward network adds to the stream, where the architecture has it.
    pub post_ffn_norm: Option<RmsNorm<PostFfnNorm, Hidden<M>>>,
}

/// A transformer with every weight in its role. [`load`](crate::weights::load) makes one from a file.
#[derive(Debug)]
pub struct Transformer<M> {
    /// The environment that gives the axes their lengths.
    pub model: M,
    /// The description it was made from.
    pub config: Config,
    /// Token embedding.
    pub embedding: Embedding<Matrix, Vocab<M>, Hidden<M>>,
    /// Rotation tables.
    pub rope: Rope<HeadDim<M>>,
    /// The blocks.
    pub blocks: PerLayer<Blocks<M>, Block<M>>,
    /// Weights of the blocks whose mixer is attention.
    pub attention: PerLayer<AttentionLayers<M>, Attention<M>>,
    /// Weights of the blocks whose mixer is the gated delta rule.
    pub recurrent: PerLayer<RecurrentLayers<M>, DeltaNet<M>>,
    /// Norm before the head.
    pub output_norm: RmsNorm<OutputNorm, Hidden<M>>,
    /// The head; where it is tied to the embedding, the same matrix.
    pub head: Head<Matrix, Vocab<M>, Hidden<M>>,
    /// What finds the largest logits of the head without reading all of it.
    pub shortlist: Option<Head<Shortlist, Vocab<M>, Hidden<M>>>,
}

impl<M: Model> Transformer<M> {
    /// Runs one step and returns the logits of every token. `ops` is a [`Cpu`](trine_ops::Cpu), or a
    /// [`Traced`](crate::Traced) one.
    pub fn logits<T: Step>(&self, ops: &impl Ops, step: StepInput<'_, M, T>) -> Tensor<f32, (T, Vocab<M>)> {
        let x = self.residual(ops, step, &mut |_, _| ());
        self.head_logits(ops, x)
    }

    /// Runs one step and returns the logits of the last token of each sequence, which predict the next one.
    pub fn next_logits<T: Step>(
        &self,
        ops: &impl Ops,
        step: StepInput<'_, M, T>,
    ) -> Tensor<f32, (Sequences<T>, Vocab<M>)> {
        let x = self.residual(ops, step, &mut |_, _| ());
        self.head_logits(ops, x.view().last())
    }

    /// As [`next_logits`](Transformer::next_logits) without the logits that nobody asks for: of tokens that may not
    /// follow, and of those that a shortlist proves to be smaller.
    pub fn requested_logits<T: Step>(
        &self,
        ops: &impl Ops,
        step: StepInput<'_, M, T>,
        request: LogitsRequest,
    ) -> Tensor<Logits<Vocab<M>>, (Sequences<T>,)> {
        let last = self.residual(ops, step, &mut |_, _| ()).view().last();
        self.some_logits(ops, last, &request)
    }

    /// Runs one step for its keys and values alone: a prompt that goes on.
    pub fn prefill<T: Step>(&self, ops: &impl Ops, step: StepInput<'_, M, T>) {
        self.residual(ops, step, &mut |_, _| ());
    }

    /// Runs one step and returns the residual stream after the blocks that are asked for, in the order of the blocks.
    pub fn hidden_states<T: Step>(
        &self,
        ops: &impl Ops,
        step: StepInput<'_, M, T>,
        after: &[Idx<Blocks<M>>],
    ) -> Vec<Tensor<f32, (T, Hidden<M>)>> {
        let mut states = Vec::new();
        self.residual(ops, step, &mut |block, x| {
            if after.contains(&block) {
                states.push(x.clone());
            }
        });
        states
    }

    /// The residual stream after the last block; `after` gets it after each.
    pub(super) fn residual<T: Step>(
        &self,
        ops: &impl Ops,
        mut step: StepInput<'_, M, T>,
        after: &mut impl FnMut(Idx<Blocks<M>>, &Tensor<f32, (T, Hidden<M>)>),
    ) -> Tensor<f32, (T, Hidden<M>)> {
        let scales = self.config.scales;
        let mut x = ops.embedded(step.tokens(), &self.embedding, scales.embedding);
        for index in Idx::all(Blocks::of(self.model)) {
            let block = &self.blocks[index];
            ops.enter(Some(index.get()));
            let (h, residual) = ops.pre_norm(BlockNorm::Attn, x, &block.attn_norm);
            let mixed = match block.mixer {
                Mixer::Attention(layer) => self.attention[layer].mix(ops, &self.rope, h, step.attention(layer)),
                Mixer::Recurrent(layer) => self.recurrent[layer].mix(ops, h, step.recurrent(layer)),
            };
            let mixed = ops.branch_norm(BlockNorm::PostAttn, mixed, block.post_attn_norm.as_ref());
            x = ops.add_branch(Part::Residual, residual, ops.scaled(mixed, scales.residual));
            let (h, residual) = ops.pre_norm(BlockNorm::Ffn, x, &block.ffn_norm);
            let fed = match &block.feed_forward {
                FeedForward::Dense(network) => network.forward(ops, h),
                FeedForward::Experts(mixture) => mixture.forward(ops, h),
            };
            let fed = ops.branch_norm(BlockNorm::PostFfn, fed, block.post_ffn_norm.as_ref());
            x = ops.add_branch(Part::Output, residual, ops.scaled(fed, scales.residual));
            after(index, &x);
        }
        ops.enter(None);
        step.commit();
        x
    }

    /// `logits = W RMSNorm(x, output_norm)`, with the head `W`.
    pub(super) fn head_logits<T: Roleless>(
        &self,
        ops: &impl Ops,
        x: Tensor<f32, (T, Hidden<M>)>,
    ) -> Tensor<f32, (T, Vocab<M>)> {
        let h = Activations::new(self.normed(ops, x));
        ops.seen(Part::Logits, ops.scaled(ops.cpu().logits(&h, &self.head), 1.0 / self.config.scales.logits))
    }

    /// The logits of each token that `request` asks for, or more.
    pub(super) fn some_logits<T: Roleless>(
        &self,
        ops: &impl Ops,
        x: Tensor<f32, (T, Hidden<M>)>,
        request: &LogitsRequest,
    ) -> Tensor<Logits<Vocab<M>>, (T,)> {
        let vocab = Vocab::of(self.model);
        let products = match (request, &self.shortlist) {
            (LogitsRequest::Among(tokens), _) => {
                // What is beyond the vocabulary has no logit.
                let tokens: Vec<_> = tokens.ids().iter().map_while(|&id| Idx::new(vocab, id).ok()).collect();
                ops.cpu().logits_of(&Activations::new(self.normed(ops, x)), &self.head, &tokens)
            }
            (LogitsRequest::Largest(count), Some(shortlist)) => {
                let h = Activations::new(self.normed(ops, x));
                ops.cpu().largest_logits(&h, &self.head, shortlist, count.get())
            }
            _ => return self.head_logits(ops, x).into_rows().map(Logits::dense),
        };
        products.map(|products| self.seen_logits(ops, vocab, products))
    }

    /// Some logits of a token, as the products of rows of the head are.
    fn seen_logits(&self, ops: &impl Ops, vocab: Vocab<M>, mut products: RowProducts) -> Logits<Vocab<M>> {
        let factor = 1.0 / self.config.scales.logits;
        if factor != 1.0 {
            products.values.iter_mut().for_each(|value| *value *= factor);
        }
        ops.see(Part::Logits, &products.values);
        Logits::of_rows(vocab, products)
    }

    pub(super) fn normed<T: Axis>(
        &self,
        ops: &impl Ops,
        x: Tensor<f32, (T, Hidden<M>)>,
    ) -> Tensor<f32, (T, Normed<OutputNorm, Hidden<M>>)> {
        ops.seen(Part::OutputNorm, ops.cpu().rms_norm(x, &self.output_norm))
    }

    /// Whether the head is the matrix of the embedding.
    pub fn is_tied(&self) -> bool {
        self.embedding.data().bytes().as_ptr() == self.head.data().bytes().as_ptr()
    }

    /// The same transformer with each matrix of its blocks replaced by what `f` makes of it.
    pub(crate) fn map_matrices(self, f: impl Fn(Matrix) -> Matrix) -> Self {
        let feed_forward = |block: Block<M>| Block {
            feed_forward: match block.feed_forward {
                FeedForward::Dense(network) => FeedForward::Dense(network.map_matrices(&f)),
                FeedForward::Experts(mixture) => FeedForward::Experts(mixture.map_matrices(&f)),
            },
            ..block
        };
        Transformer {
            attention: self.attention.map(|attention| attention.map_matrices(&f)),
            recurrent: self.recurrent.map(|mixer| mixer.map_matrices(&f)),
            blocks: self.blocks.map(feed_forward),
            ..self
        }
    }
}
