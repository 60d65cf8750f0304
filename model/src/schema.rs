//! The schema of a model: what each of its tensors is called, which axes it has, and what is known of it.
//!
//! What belongs here: one row for each tensor of the model and of a block. What does not: the typed weights that the
//! tensors become ([`Transformer`](crate::Transformer)), which a test compares with these rows, and what a graph chooses
//! ([`Graph`]). `docs/adding-an-architecture.md` shows how a row is added.

#[cfg(test)]
mod tests;

use crate::graph::{Graph, Presence};
use crate::role::{BlockNorm, Projection};
use AxisName::{Ffn, HeadDim, Hidden, KvWidth, QWidth, RopePairs, Vocab};
use std::ops::RangeInclusive;
use trine_shapes::Dims;

/// A tensor of a model. Files have one for the model, or one in each block.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    /// Which tensor.
    pub slot: Slot,
    /// Its name in GGUF files, without the block before it and `.weight` after it.
    pub gguf: &'static str,
    /// Its modules in checkpoints of HF transformers, likewise: every spelling that is read, the first of them the one
    /// for messages. Empty where checkpoints do not have the tensor.
    pub hf: &'static [&'static str],
    /// What it is, for people.
    pub words: &'static str,
    /// What kind of tensor it is.
    pub kind: Kind,
    /// Its axes, outermost first.
    pub axes: &'static [AxisName],
    /// Whether the files of a model with this graph have it.
    pub presence: fn(&Graph) -> Presence,
    /// The root mean squares of its values that are usual, where there are such.
    pub usual_rms: Option<UsualRms>,
}

/// Which tensor of a model an [`Entry`] describes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Slot {
    /// [`Role::TokenEmbedding`](crate::Role::TokenEmbedding).
    TokenEmbedding,
    /// [`Role::RopeFrequencies`](crate::Role::RopeFrequencies).
    RopeFrequencies,
    /// [`Role::OutputNorm`](crate::Role::OutputNorm).
    OutputNorm,
    /// [`Role::Output`](crate::Role::Output).
    Output,
    /// A norm of each block.
    Norm(BlockNorm),
    /// A matrix of each block.
    Matrix(Projection),
}

/// A kind of tensor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The embedding or the head: a row for each token.
    Table,
    /// A matrix of a block, ternary or not. Files may have a scale and a bias beside it.
    Matrix {
        /// The norm whose output the matrix multiplies. Where the graph leaves that norm out, it is what the norm would
        /// get. Matrices with the same input share its quantized form.
        input: BlockNorm,
        /// Whether RoPE rotates the product.
        rotated: bool,
    },
    /// The gains of an RMSNorm.
    Gains,
    /// Plain numbers.
    Numbers,
}

/// An axis by the name that it has as a type ([`Axis::NAME`](trine_shapes::Axis::NAME)).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AxisName {
    /// Tokens of the vocabulary.
    Vocab,
    /// Residual width.
    Hidden,
    /// Width inside the feed-forward network.
    Ffn,
    /// Width of the queries of all heads.
    QWidth,
    /// Width of the keys, or of the values, of all heads.
    KvWidth,
    /// Width of one head.
    HeadDim,
    /// Pairs of a head's elements that RoPE rotates, in a model whose heads rotate as a whole. No type has this name.
    RopePairs,
    /// A single number. No type has this name.
    One,
}

/// The root mean squares that tensors of sound files have, least and most.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct UsualRms {
    /// In models that were trained as ternary.
    pub ternary: (f64, f64),
    /// In other models.
    pub dense: (f64, f64),
}

/// Before the blocks.
pub const INPUT: &[Entry] = &[
    table(Slot::TokenEmbedding, "token_embd", &["model.embed_tokens"], "token embedding"),
    Entry {
        slot: Slot::RopeFrequencies,
        gguf: "rope_freqs",
        // `config.json` has what these divisors follow from.
        hf: &[],
        words: "divisors of the RoPE frequencies",
        kind: Kind::Numbers,
        axes: &[RopePairs],
        presence: |_| Presence::Optional,
        usual_rms: None,
    },
];

/// Attention, in each block. The second names of sub-norms are those of 1bitLLM's own code.
pub const ATTENTION: &[Entry] = &[
    Entry {
        usual_rms: Some(UsualRms { ternary: (0.004, 8.0), dense: (0.008, 8.0) }),
        ..norm(BlockNorm::Attn, "attn_norm", &["input_layernorm"], "norm before attention", &[Hidden])
    },
    rotated(Projection::Query, "attn_q", &["self_attn.q_proj"], "query projection", &[QWidth, Hidden], BlockNorm::Attn),
    rotated(Projection::Key, "attn_k", &["self_attn.k_proj"], "key projection", &[KvWidth, Hidden], BlockNorm::Attn),
    matrix(Projection::Value, "attn_v", &["self_attn.v_proj"], "value projection", &[KvWidth, Hidden], BlockNorm::Attn),
    Entry {
        presence: |graph| Presence::required_if(graph.qk_norm.is_some()),
        ..norm(BlockNorm::Query, "attn_q_norm", &["self_attn.q_norm"], "norm of the query heads", &[HeadDim])
    },
    Entry {
        presence: |graph| Presence::required_if(graph.qk_norm.is_some()),
        ..norm(BlockNorm::Key, "attn_k_norm", &["self_attn.k_norm"], "norm of the key heads", &[HeadDim])
    },
    Entry {
        presence: |graph| Presence::required_if(graph.sub_norms),
        ..norm(
            BlockNorm::AttnSub,
            "attn_sub_norm",
            &["self_attn.attn_sub_norm", "self_attn.inner_attn_ln"],
            "norm before the attention output projection",
            &[QWidth],
        )
    },
    matrix(
        Projection::AttnOutput,
        "attn_output",
        &["self_attn.o_proj"],
        "attention output projection",
        &[Hidden, QWidth],
        BlockNorm::AttnSub,
    ),
];

/// The feed-forward network, in each block. The second name of the sub-norm is that of 1bitLLM's own code.
pub const FEED_FORWARD: &[Entry] = &[
    Entry {
        usual_rms: usual(0.02, 16.0),
        ..norm(
            BlockNorm::Ffn,
            "ffn_norm",
            &["post_attention_layernorm"],
            "norm before the feed-forward network",
            &[Hidden],
        )
    },
    matrix(Projection::Gate, "ffn_gate", &["mlp.gate_proj"], "gate projection", &[Ffn, Hidden], BlockNorm::Ffn),
    matrix(Projection::Up, "ffn_up", &["mlp.up_proj"], "up projection", &[Ffn, Hidden], BlockNorm::Ffn),
    Entry {
        presence: |graph| Presence::required_if(graph.sub_norms),
        ..norm(
            BlockNorm::FfnSub,
            "ffn_sub_norm",
            &["mlp.ffn_sub_norm", "mlp.ffn_layernorm"],
            "norm before the down projection",
            &[Ffn],
        )
    },
    matrix(Projection::Down, "ffn_down", &["mlp.down_proj"], "down projection", &[Hidden, Ffn], BlockNorm::FfnSub),
];

/// After the blocks.
pub const OUTPUT: &[Entry] = &[
    Entry {
        slot: Slot::OutputNorm,
        gguf: "output_norm",
        hf: &["model.norm"],
        words: "norm before the head",
        kind: Kind::Gains,
        axes: &[Hidden],
        presence: |_| Presence::Required,
        usual_rms: usual(0.2, 64.0),
    },
    Entry { presence: |_| Presence::Optional, ..table(Slot::Output, "output", &["lm_head"], "head") },
];

type Text = &'static str;
type Texts = &'static [Text];
type Axes = &'static [AxisName];

const fn table(slot: Slot, gguf: Text, hf: Texts, words: Text) -> Entry {
    let (kind, axes, usual_rms) = (Kind::Table, &[Vocab, Hidden], usual(1e-4, 10.0));
    Entry { slot, gguf, hf, words, kind, axes, presence: |_| Presence::Required, usual_rms }
}

/// A matrix that every graph has.
const fn matrix(slot: Projection, gguf: Text, hf: Texts, words: Text, axes: Axes, input: BlockNorm) -> Entry {
    let (slot, kind, usual_rms) = (Slot::Matrix(slot), Kind::Matrix { input, rotated: false }, usual(1e-3, 10.0));
    Entry { slot, gguf, hf, words, kind, axes, presence: |_| Presence::Required, usual_rms }
}

/// As [`matrix`], and RoPE rotates the product.
const fn rotated(slot: Projection, gguf: Text, hf: Texts, words: Text, axes: Axes, input: BlockNorm) -> Entry {
    Entry { kind: Kind::Matrix { input, rotated: true }, ..matrix(slot, gguf, hf, words, axes, input) }
}

/// A norm that every graph has.
const fn norm(slot: BlockNorm, gguf: Text, hf: Texts, words: Text, axes: Axes) -> Entry {
    let (slot, kind, usual_rms) = (Slot::Norm(slot), Kind::Gains, usual(0.02, 64.0));
    Entry { slot, gguf, hf, words, kind, axes, presence: |_| Presence::Required, usual_rms }
}

const fn usual(least: f64, most: f64) -> Option<UsualRms> {
    Some(UsualRms { ternary: (least, most), dense: (least, most) })
}

/// The tensors of a block.
pub fn block() -> impl Iterator<Item = &'static Entry> {
    ATTENTION.iter().chain(FEED_FORWARD)
}

/// The tensors of a model; those of a block once.
pub fn entries() -> impl Iterator<Item = &'static Entry> {
    INPUT.iter().chain(block()).chain(OUTPUT)
}

/// The matrices of a block, those together that multiply the same activations.
pub fn shared_inputs() -> Vec<Vec<Projection>> {
    let readers = |norm| Projection::all().filter(|matrix| matrix.input() == norm).collect::<Vec<_>>();
    BlockNorm::all().map(readers).filter(|readers| !readers.is_empty()).collect()
}

impl Slot {
    /// The row of the tensor.
    pub fn entry(self) -> &'static Entry {
        entries().find(|entry| entry.slot == self).expect("every tensor has a row")
    }
}

impl AxisName {
    /// The name in reports.
    pub fn name(self) -> &'static str {
        match self {
            Vocab => "Vocab",
            Hidden => "Hidden",
            Ffn => "Ffn",
            QWidth => "QWidth",
            KvWidth => "KvWidth",
            HeadDim => "HeadDim",
            RopePairs => "HeadDim / 2",
            AxisName::One => "1",
        }
    }

    /// The length in a model with these dimensions.
    pub fn len(self, dims: &Dims) -> usize {
        match self {
            Vocab => dims.vocab,
            Hidden => dims.hidden,
            Ffn => dims.ffn,
            QWidth => dims.heads() * dims.head_dim,
            KvWidth => dims.kv_heads * dims.head_dim,
            HeadDim => dims.head_dim,
            RopePairs => dims.head_dim / 2,
            AxisName::One => 1,
        }
    }
}

impl UsualRms {
    /// The range in models with this graph.
    pub fn of(&self, graph: &Graph) -> RangeInclusive<f64> {
        let (least, most) = if graph.ternary { self.ternary } else { self.dense };
        least..=most
    }
}
