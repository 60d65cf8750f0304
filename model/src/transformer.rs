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

use crate::cache::{LayerCache, Step};
use crate::config::Config;
use trine_kernels::{Activations, Cpu, GateActivation, Matrix, RmsNorm, Rope};
use trine_shapes::{
    AttnNorm, AttnSubNorm, Axis, Ffn, FfnNorm, FfnSubNorm, Fixed, HeadDim, Hidden, KvWidth, Model, NormRole, Normed,
    OutputNorm, Plus, QWidth, Tensor, Vocab, Weight,
};

/// A matrix in whatever packing its file has.
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

/// Weights of one block.
#[derive(Debug)]
pub struct Layer<M> {
    /// Norm before attention.
    pub attn_norm: RmsNorm<AttnNorm, Hidden<M>>,
    /// `W_q`.
    pub query: Linear<QWidth<M>, Normed<AttnNorm, Hidden<M>>>,
    /// `W_k`.
    pub key: Linear<KvWidth<M>, Normed<AttnNorm, Hidden<M>>>,
    /// `W_v`.
    pub value: Linear<KvWidth<M>, Normed<AttnNorm, Hidden<M>>>,
    /// Norm before `W_o`.
    pub attn_sub_norm: SubNorm<AttnSubNorm, QWidth<M>>,
    /// `W_o`.
    pub attn_output: Linear<Hidden<M>, Normed<AttnSubNorm, QWidth<M>>>,
    /// Norm before the feed-forward network.
    pub ffn_norm: RmsNorm<FfnNorm, Hidden<M>>,
    /// `W_gate`.
    pub gate: Linear<Ffn<M>, Normed<FfnNorm, Hidden<M>>>,
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
    ) {
        let h = Activations::new(cpu.rms_norm(x.view(), &self.attn_norm));
        let q = cpu.rope(cpu.linear(&h, &self.query).split(), &shared.rope, at);
        let k = cpu.rope(cpu.linear(&h, &self.key).split(), &shared.rope, at);
        let v = cpu.linear(&h, &self.value).split();
        let (keys, values) = cache.append(k.view(), v.view(), at);
        let a = cpu.attention(q.view(), keys, values).merge();
        let a = Activations::new(self.attn_sub_norm.apply(cpu, a));
        cpu.add_assign(x, cpu.linear(&a, &self.attn_output).view());

        let h = Activations::new(cpu.rms_norm(x.view(), &self.ffn_norm));
        let gated = cpu.gated(shared.gate_activation, cpu.linear(&h, &self.gate), cpu.linear(&h, &self.up).view());
        let gated = Activations::new(self.ffn_sub_norm.apply(cpu, gated));
        cpu.add_assign(x, cpu.linear(&gated, &self.down).view());
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
        let x = self.residual(cpu, step);
        self.head(cpu, x)
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
        let x = self.residual(cpu, step);
        self.head(cpu, x.view().last())
    }

    /// Runs one step for its keys and values alone: a prompt that goes on.
    ///
    /// # Panics
    /// If the cache of the step was made for a transformer with another number of blocks.
    pub fn prefill<B: Axis, P: Axis, S: Axis>(&self, cpu: &Cpu, step: Step<'_, M, B, P, S>) {
        self.residual(cpu, step);
    }

    /// The residual stream after the last block.
    fn residual<B: Axis, P: Axis, S: Axis>(
        &self,
        cpu: &Cpu,
        mut step: Step<'_, M, B, P, S>,
    ) -> Tensor<f32, (B, S, Hidden<M>)> {
        assert_eq!(step.layers_mut().len(), self.layers.len(), "the cache is another transformer's");
        let mut x = cpu.embed(step.tokens(), &self.embedding);
        let at = step.positions();
        for (layer, cache) in self.layers.iter().zip(step.layers_mut()) {
            layer.forward(cpu, &self.shared, &mut x, cache, at);
        }
        step.commit();
        x
    }

    /// `logits = W RMSNorm(x, output_norm)`, with `W` the head or, where it is tied, the embedding.
    fn head<B: Axis, S: Axis>(&self, cpu: &Cpu, x: Tensor<f32, (B, S, Hidden<M>)>) -> Tensor<f32, (B, S, Vocab<M>)> {
        let h = Activations::new(cpu.rms_norm(x.view(), &self.output_norm));
        cpu.logits(&h, self.output.as_ref().unwrap_or(&self.embedding))
    }
}
