//! What the graphs of architectures differ in, as a value.
//!
//! What belongs here: each choice, and what it says of the tensors of a model. What does not: which architecture makes
//! which choice ([`Architecture`](crate::Architecture)), and the tensors themselves ([`schema`](super::schema)).

use super::ScaledBy;
use super::schema::{BlockNorm, Projection};
use trine_kernels::GateActivation;
use trine_shapes::RopePairing;
use trine_shapes::{AttnSubNorm, FfnSubNorm, LacksNorm};

/// What the graph of a model chooses where the graphs of architectures differ.
///
/// [`Config::graph`](crate::Config::graph) is the one of a model; code asks it instead of comparing architectures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Graph {
    /// The non-linearity of the feed-forward gate.
    pub gate_activation: GateActivation,
    /// Whether a norm stands before the output projection of attention and before the down projection.
    pub sub_norms: bool,
    /// Where each query head and each key head is normalised; `None` is nowhere.
    pub qk_norm: Option<QkNorm>,
    /// Which elements of a head RoPE rotates together, in a GGUF file. Directories of HF transformers always have
    /// [`RopePairing::NeoX`].
    pub rope_pairing: RopePairing,
    /// Which matrices of a block have a bias.
    pub biases: Biases,
    /// Whether the query projection makes a gate for each head too, which what the head attends to goes through
    /// (Qwen3.5).
    pub output_gate: bool,
    /// Whether some blocks mix positions by the delta rule. Which ones [`Config::layers`](crate::Config::layers) says.
    pub hybrid: bool,
    /// Whether what a mixer and a feed-forward network add to the stream is normalised first (Gemma 3).
    pub branch_norms: bool,
    /// Whether each matrix of a block has a norm of its own for what it multiplies (BitNet's embedding models). It
    /// depends on the file: [`Config::input_norms`](crate::Config::input_norms).
    pub input_norms: bool,
    /// Whether some blocks may attend within a window. Which ones [`Config::sliding`](crate::Config::sliding) says.
    pub slides: bool,
    /// Whether blocks that see all positions do not rotate queries and keys, so that they know no positions; in blocks
    /// with a window RoPE rotates them (Maple).
    pub global_unrotated: bool,
    /// Whether a block has experts: many feed-forward networks, of which each token goes to some (Maple). How many
    /// there are [`Dims::experts`](trine_shapes::Dims) says.
    pub experts: bool,
    /// Whether directories of HF transformers have the gains of norms as what is added to 1.
    pub gains_around_one: bool,
    /// Whether the base of RoPE may be given by an `alpha`, which stands for `base * alpha^(d / (d - 2))` with `d` the
    /// width of a head.
    pub rope_alpha: bool,
    /// Where the model has its scales from.
    pub scales: ScaledBy,
    /// Whether the matrices were trained as ternary with int8 activations. Float matrices are then masters.
    pub ternary: bool,
}

/// Where the heads of queries and keys are normalised, each with the gains of [`BlockNorm::Query`] or
/// [`BlockNorm::Key`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum QkNorm {
    /// Before RoPE rotates them (Qwen3).
    BeforeRope,
    /// Behind RoPE (HunYuan).
    AfterRope,
}

/// Which matrices of a block have a bias.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Biases {
    /// None.
    None,
    /// Those for which the file has one (Llama). In a directory `attention_bias` and `mlp_bias` must say so too.
    WhereFound,
    /// The query, key and value projections, always, and no other (Qwen2).
    QueryKeyValue,
}

/// Whether the files of a model have a tensor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presence {
    /// Never: a tensor of that name has no role.
    Absent,
    /// In some files.
    Optional,
    /// Always: a file without the tensor is refused.
    Required,
}

impl Presence {
    /// [`Required`](Presence::Required) where the graph has something, else [`Absent`](Presence::Absent).
    pub(crate) fn required_if(has: bool) -> Presence {
        if has { Presence::Required } else { Presence::Absent }
    }
}

/// The architectures whose graph has no sub-norms: what is a norm elsewhere is the identity in them.
#[derive(Clone, Copy, Debug)]
pub(crate) enum NoSubNorms {}

impl LacksNorm<AttnSubNorm> for NoSubNorms {}
impl LacksNorm<FfnSubNorm> for NoSubNorms {}

impl Graph {
    /// Whether the product of a matrix adds a bias.
    pub fn bias(&self, projection: Projection) -> Presence {
        match self.biases {
            Biases::None => Presence::Absent,
            Biases::WhereFound => Presence::Optional,
            Biases::QueryKeyValue => Presence::required_if(projection.input() == BlockNorm::Attn),
        }
    }
}
