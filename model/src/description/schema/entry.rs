//! The columns of the schema.
//!
//! What belongs here: what can be said of a tensor, and short ways to say what most rows say. What does not: the rows.

use super::{BlockNorm, BlockNumbers, EMBEDDING_BESIDE_EXPERTS, FFN_NORM_BESIDE_POST_NORMS, HYBRID_FFN_NORM};
use super::{Projection, Slot};
use crate::description::{Graph, Presence, RopeFactors};
use AxisName::{
    ConvolutionTaps, DeltaChannels, DeltaHeads, DeltaValue, DeltaWidth, Experts, Ffn, GatedQWidth, HeadDim, Hidden,
    KvWidth, QWidth, RopePairs, Vocab,
};
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

/// A kind of tensor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The embedding or the head: a row for each token.
    Table,
    /// A matrix of a block, ternary or not, or one for each expert. Files may have a scale and a bias beside a matrix
    /// that is not of experts.
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
    /// Width of the queries and output gates of all heads.
    GatedQWidth,
    /// Width of one head.
    HeadDim,
    /// Queries, keys and values of all heads of the delta rule.
    DeltaChannels,
    /// Positions that the convolution before the delta rule looks at.
    ConvolutionTaps,
    /// Heads of values of the delta rule.
    DeltaHeads,
    /// Width of a head of values of the delta rule.
    DeltaValue,
    /// Width of the values of all heads of the delta rule.
    DeltaWidth,
    /// Experts of a block.
    Experts,
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

impl AxisName {
    /// The name in reports.
    pub fn name(self) -> &'static str {
        match self {
            Vocab => "Vocab",
            Hidden => "Hidden",
            Ffn => "Ffn",
            QWidth => "QWidth",
            KvWidth => "KvWidth",
            GatedQWidth => "GatedQWidth",
            HeadDim => "HeadDim",
            DeltaChannels => "DeltaChannels",
            ConvolutionTaps => "ConvolutionTaps",
            DeltaHeads => "DeltaHeads",
            DeltaValue => "DeltaValue",
            DeltaWidth => "DeltaWidth",
            Experts => "Experts",
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
            GatedQWidth => 2 * dims.heads() * dims.head_dim,
            HeadDim => dims.head_dim,
            DeltaChannels => dims.recurrent.channels(),
            ConvolutionTaps => dims.recurrent.taps,
            DeltaHeads => dims.recurrent.value_heads,
            DeltaValue => dims.recurrent.value_dim,
            DeltaWidth => dims.recurrent.value_heads * dims.recurrent.value_dim,
            Experts => dims.experts.count,
            RopePairs => dims.head_dim / 2,
            AxisName::One => 1,
        }
    }
}

impl Entry {
    /// Its axes in a model with this graph, outermost first.
    pub fn axes_in(&self, graph: &Graph) -> &'static [AxisName] {
        match self.slot {
            Slot::Matrix(Projection::Query) if graph.output_gate => &[GatedQWidth, Hidden],
            _ => self.axes,
        }
    }

    /// Its name in GGUF files of models with this graph.
    pub fn gguf_in(&self, graph: &Graph) -> &'static str {
        if graph.hybrid && self.slot == Slot::Norm(BlockNorm::Ffn) { HYBRID_FFN_NORM } else { self.gguf }
    }

    /// Its modules in directories of models with this graph.
    pub(crate) fn hf_in(&self, graph: &Graph) -> &'static [&'static str] {
        match self.slot {
            Slot::Norm(BlockNorm::Ffn) if graph.branch_norms => FFN_NORM_BESIDE_POST_NORMS,
            Slot::TokenEmbedding if graph.experts => EMBEDDING_BESIDE_EXPERTS,
            _ => self.hf,
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

type Text = &'static str;
type Texts = &'static [Text];
type Axes = &'static [AxisName];

pub(super) const fn table(slot: Slot, gguf: Text, hf: Texts, words: Text) -> Entry {
    let (kind, axes, usual_rms) = (Kind::Table, &[Vocab, Hidden], usual(1e-4, 10.0));
    Entry { slot, gguf, hf, words, kind, axes, presence: |_| Presence::Required, usual_rms }
}

/// One list of divisors of LongRoPE, which `config.json` has too.
pub(super) const fn factors(of: RopeFactors, gguf: Text, words: Text) -> Entry {
    let (slot, kind, axes) = (Slot::RopeFactors(of), Kind::Numbers, &[RopePairs]);
    Entry { slot, gguf, hf: &[], words, kind, axes, presence: |_| Presence::Optional, usual_rms: None }
}

/// A matrix that every graph has.
pub(super) const fn matrix(
    slot: Projection,
    gguf: Text,
    hf: Texts,
    words: Text,
    axes: Axes,
    input: BlockNorm,
) -> Entry {
    let (slot, kind, usual_rms) = (Slot::Matrix(slot), Kind::Matrix { input, rotated: false }, usual(1e-3, 10.0));
    Entry { slot, gguf, hf, words, kind, axes, presence: |_| Presence::Required, usual_rms }
}

/// As [`matrix`], and RoPE rotates the product.
pub(super) const fn rotated(
    slot: Projection,
    gguf: Text,
    hf: Texts,
    words: Text,
    axes: Axes,
    input: BlockNorm,
) -> Entry {
    Entry { kind: Kind::Matrix { input, rotated: true }, ..matrix(slot, gguf, hf, words, axes, input) }
}

/// A norm that every graph has.
pub(super) const fn norm(slot: BlockNorm, gguf: Text, hf: Texts, words: Text, axes: Axes) -> Entry {
    let (slot, kind, usual_rms) = (Slot::Norm(slot), Kind::Gains, usual(0.02, 64.0));
    Entry { slot, gguf, hf, words, kind, axes, presence: |_| Presence::Required, usual_rms }
}

/// The norm of a branch.
pub(super) const fn branch_norm(slot: BlockNorm, gguf: Text, hf: Texts, words: Text) -> Entry {
    // Gemma 3 has branches of a few hundred.
    let usual_rms = usual(0.02, 512.0);
    Entry {
        presence: |graph| Presence::required_if(graph.branch_norms),
        usual_rms,
        ..norm(slot, gguf, hf, words, &[Hidden])
    }
}

pub(super) const fn usual(least: f64, most: f64) -> Option<UsualRms> {
    Some(UsualRms { ternary: (least, most), dense: (least, most) })
}

/// The same where only blocks with the delta rule have it.
pub(super) const fn of_the_delta_rule(entry: Entry) -> Entry {
    Entry { presence: |graph| Presence::required_if(graph.hybrid), ..entry }
}

/// The same where all tokens of a block go through one feed-forward network.
pub(super) const fn of_one_network(entry: Entry) -> Entry {
    Entry { presence: |graph| Presence::required_if(!graph.experts), ..entry }
}

/// The same where blocks have experts.
pub(super) const fn of_experts(entry: Entry) -> Entry {
    Entry { presence: |graph| Presence::required_if(graph.experts), ..entry }
}

/// Numbers of blocks with the delta rule.
pub(super) const fn numbers(slot: BlockNumbers, gguf: Text, hf: Texts, words: Text, axes: Axes) -> Entry {
    let (slot, kind, usual_rms) = (Slot::Numbers(slot), Kind::Numbers, None);
    of_the_delta_rule(Entry { slot, gguf, hf, words, kind, axes, presence: |_| Presence::Required, usual_rms })
}
