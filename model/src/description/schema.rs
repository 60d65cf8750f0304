//! The schema of a model: which tensors it has, what each of them is called, which axes it has, and what is known of
//! it.
//!
//! What belongs here: one row for each tensor of the model and of a block. What does not: the columns (`entry.rs`), the
//! typed weights that tensors become ([`Transformer`](crate::Transformer)), which a test compares with these rows, and
//! what a graph chooses ([`Graph`](crate::Graph)). `docs/adding-an-architecture.md` shows how a row is added.

mod entry;
#[cfg(test)]
mod tests;

pub use entry::{AxisName, Entry, Kind, UsualRms};

use super::{Graph, MixerKind, Presence, RopeFactors};
use AxisName::{
    ConvolutionTaps, DeltaChannels, DeltaHeads, DeltaValue, DeltaWidth, Experts, Ffn, HeadDim, Hidden, KvWidth, QWidth,
    RopePairs,
};
use entry::{branch_norm, factors, matrix, norm, numbers, of_experts, of_one_network, of_the_delta_rule};
use entry::{rotated, table, usual};

/// Which tensor of a model an [`Entry`] describes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Slot {
    /// [`Role::TokenEmbedding`](crate::Role::TokenEmbedding).
    TokenEmbedding,
    /// [`Role::RopeFrequencies`](crate::Role::RopeFrequencies).
    RopeFrequencies,
    /// [`Role::RopeFactors`](crate::Role::RopeFactors).
    RopeFactors(RopeFactors),
    /// [`Role::OutputNorm`](crate::Role::OutputNorm).
    OutputNorm,
    /// [`Role::Output`](crate::Role::Output).
    Output,
    /// A norm of each block.
    Norm(BlockNorm),
    /// A matrix of each block.
    Matrix(Projection),
    /// Numbers of each block.
    Numbers(BlockNumbers),
}

/// A matrix of a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Projection {
    /// Queries.
    Query,
    /// Keys.
    Key,
    /// Values.
    Value,
    /// Output of attention.
    AttnOutput,
    /// Queries, keys and values of the delta rule.
    DeltaInput,
    /// The output gate of the delta rule.
    DeltaGate,
    /// How long heads of the delta rule remember.
    DeltaAlpha,
    /// How much heads of the delta rule take of a token.
    DeltaBeta,
    /// Output of the delta rule.
    DeltaOutput,
    /// Gate of the feed-forward network.
    Gate,
    /// What the gate multiplies.
    Up,
    /// Back to the residual width.
    Down,
    /// Scores of the experts.
    Router,
    /// Gate of each expert.
    ExpertGate,
    /// What the gate of an expert multiplies.
    ExpertUp,
    /// Of each expert back to the residual width.
    ExpertDown,
}

/// A norm of a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BlockNorm {
    /// Before attention.
    Attn,
    /// Of each query head.
    Query,
    /// Of each key head.
    Key,
    /// Between attention and its output projection.
    AttnSub,
    /// Of what each head reads from the state of the delta rule.
    Delta,
    /// Of what the mixer adds to the stream.
    PostAttn,
    /// Before the feed-forward network.
    Ffn,
    /// Before the down projection.
    FfnSub,
    /// Of what the feed-forward network adds to the stream.
    PostFfn,
}

/// Numbers of a block that are neither gains nor a matrix.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BlockNumbers {
    /// The taps of the convolution before the delta rule.
    Convolution,
    /// `A`: how fast each head of the delta rule forgets.
    Decay,
    /// The bias of the time step of each head of the delta rule.
    TimeStep,
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
        presence: |graph| if graph.global_unrotated { Presence::Absent } else { Presence::Optional },
        usual_rms: None,
    },
    factors(RopeFactors::Short, "rope_factors_short", "divisors of the RoPE frequencies for short contexts"),
    factors(RopeFactors::Long, "rope_factors_long", "divisors of the RoPE frequencies for long contexts"),
];

/// Before the mixer, in each block.
pub const MIXER_NORM: &[Entry] = &[Entry {
    usual_rms: Some(UsualRms { ternary: (0.004, 8.0), dense: (0.008, 64.0) }),
    ..norm(BlockNorm::Attn, "attn_norm", &["input_layernorm"], "norm before attention", &[Hidden])
}];

/// Behind the mixer, in each block.
pub const MIXER_OUTPUT: &[Entry] =
    &[branch_norm(BlockNorm::PostAttn, HYBRID_FFN_NORM, &[USUAL_FFN_NORM], "norm of what attention adds")];

/// Attention, in each block that has it. The second names of sub-norms are those of 1bitLLM's own code.
pub const ATTENTION: &[Entry] = &[
    rotated(Projection::Query, "attn_q", &["self_attn.q_proj"], "query projection", &[QWidth, Hidden], BlockNorm::Attn),
    rotated(Projection::Key, "attn_k", &["self_attn.k_proj"], "key projection", &[KvWidth, Hidden], BlockNorm::Attn),
    matrix(Projection::Value, "attn_v", &["self_attn.v_proj"], "value projection", &[KvWidth, Hidden], BlockNorm::Attn),
    Entry {
        presence: |graph| Presence::required_if(graph.qk_norm.is_some()),
        ..norm(
            BlockNorm::Query,
            "attn_q_norm",
            &["self_attn.q_norm", "self_attn.query_layernorm"],
            "norm of the query heads",
            &[HeadDim],
        )
    },
    Entry {
        presence: |graph| Presence::required_if(graph.qk_norm.is_some()),
        ..norm(
            BlockNorm::Key,
            "attn_k_norm",
            &["self_attn.k_norm", "self_attn.key_layernorm"],
            "norm of the key heads",
            &[HeadDim],
        )
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

/// The gated delta rule, in each block that has it.
pub const DELTA_RULE: &[Entry] = &[
    of_the_delta_rule(matrix(
        Projection::DeltaInput,
        "attn_qkv",
        &["linear_attn.in_proj_qkv"],
        "input projection of the delta rule",
        &[DeltaChannels, Hidden],
        BlockNorm::Attn,
    )),
    of_the_delta_rule(matrix(
        Projection::DeltaGate,
        "attn_gate",
        &["linear_attn.in_proj_z"],
        "output gate of the delta rule",
        &[DeltaWidth, Hidden],
        BlockNorm::Attn,
    )),
    of_the_delta_rule(matrix(
        Projection::DeltaAlpha,
        "ssm_alpha",
        &["linear_attn.in_proj_a"],
        "decay projection of the delta rule",
        &[DeltaHeads, Hidden],
        BlockNorm::Attn,
    )),
    of_the_delta_rule(matrix(
        Projection::DeltaBeta,
        "ssm_beta",
        &["linear_attn.in_proj_b"],
        "strength projection of the delta rule",
        &[DeltaHeads, Hidden],
        BlockNorm::Attn,
    )),
    numbers(
        BlockNumbers::Convolution,
        "ssm_conv1d",
        &["linear_attn.conv1d"],
        "convolution before the delta rule",
        &[DeltaChannels, ConvolutionTaps],
    ),
    numbers(BlockNumbers::Decay, "ssm_a", &["linear_attn.A_log"], "decays of the delta rule", &[DeltaHeads]),
    numbers(BlockNumbers::TimeStep, "ssm_dt", &["linear_attn.dt_bias"], "time steps of the delta rule", &[DeltaHeads]),
    of_the_delta_rule(norm(
        BlockNorm::Delta,
        "ssm_norm",
        &["linear_attn.norm"],
        "norm of the heads of the delta rule",
        &[DeltaValue],
    )),
    of_the_delta_rule(matrix(
        Projection::DeltaOutput,
        "ssm_out",
        &["linear_attn.out_proj"],
        "output projection of the delta rule",
        &[Hidden, DeltaWidth],
        BlockNorm::Delta,
    )),
];

/// The module of [`BlockNorm::Ffn`] in directories.
const USUAL_FFN_NORM: &str = "post_attention_layernorm";

/// The modules of [`BlockNorm::Ffn`] in directories of models whose branches are normalised, where the usual name is
/// that of [`BlockNorm::PostAttn`].
const FFN_NORM_BESIDE_POST_NORMS: &[&str] = &["pre_feedforward_layernorm"];

/// The modules of the embedding in directories of models with experts: the first is that of Maple's own code.
const EMBEDDING_BESIDE_EXPERTS: &[&str] = &["model.word_embeddings", "model.embed_tokens"];

const FFN_NORM: &str = "ffn_norm";

/// The name of [`BlockNorm::Ffn`] in GGUF files of hybrid graphs, and of [`BlockNorm::PostAttn`] in others.
const HYBRID_FFN_NORM: &str = "post_attention_norm";

/// The feed-forward network, in each block. The second name of the sub-norm is that of 1bitLLM's own code.
pub const FEED_FORWARD: &[Entry] = &[
    Entry {
        usual_rms: Some(UsualRms { ternary: (0.02, 16.0), dense: (0.02, 64.0) }),
        ..norm(BlockNorm::Ffn, FFN_NORM, &[USUAL_FFN_NORM], "norm before the feed-forward network", &[Hidden])
    },
    of_one_network(matrix(
        Projection::Gate,
        "ffn_gate",
        &["mlp.gate_proj"],
        "gate projection",
        &[Ffn, Hidden],
        BlockNorm::Ffn,
    )),
    of_one_network(matrix(Projection::Up, "ffn_up", &["mlp.up_proj"], "up projection", &[Ffn, Hidden], BlockNorm::Ffn)),
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
    of_one_network(matrix(
        Projection::Down,
        "ffn_down",
        &["mlp.down_proj"],
        "down projection",
        &[Hidden, Ffn],
        BlockNorm::FfnSub,
    )),
    of_experts(matrix(Projection::Router, "ffn_gate_inp", &["mlp.gate"], "router", &[Experts, Hidden], BlockNorm::Ffn)),
    of_experts(matrix(
        Projection::ExpertGate,
        "ffn_gate_exps",
        &["mlp.experts.gate_proj", "mlp.switch_mlp.gate_proj"],
        "gate projection of the experts",
        &[Experts, Ffn, Hidden],
        BlockNorm::Ffn,
    )),
    of_experts(matrix(
        Projection::ExpertUp,
        "ffn_up_exps",
        &["mlp.experts.up_proj", "mlp.switch_mlp.up_proj"],
        "up projection of the experts",
        &[Experts, Ffn, Hidden],
        BlockNorm::Ffn,
    )),
    of_experts(matrix(
        Projection::ExpertDown,
        "ffn_down_exps",
        &["mlp.experts.down_proj", "mlp.switch_mlp.down_proj"],
        "down projection of the experts",
        &[Experts, Hidden, Ffn],
        BlockNorm::FfnSub,
    )),
    branch_norm(
        BlockNorm::PostFfn,
        "post_ffw_norm",
        &["post_feedforward_layernorm"],
        "norm of what the feed-forward network adds",
    ),
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

/// The tensors of a block, whichever mixer it has.
pub fn block() -> impl Iterator<Item = &'static Entry> {
    MIXER_NORM.iter().chain(ATTENTION).chain(DELTA_RULE).chain(MIXER_OUTPUT).chain(FEED_FORWARD)
}

/// The tensor of a block that is sought. Of two that have one name in different graphs, it is the one that this graph
/// has.
pub(crate) fn of_block(graph: &Graph, is_sought: impl Fn(&Entry) -> bool) -> Option<&'static Entry> {
    let mut first = None;
    for entry in block().filter(|entry| is_sought(entry)) {
        if (entry.presence)(graph) != Presence::Absent {
            return Some(entry);
        }
        first = first.or(Some(entry));
    }
    first
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
    /// The mixer that blocks with this tensor have; `None` where all blocks have it, or the model once.
    pub fn mixer(self) -> Option<MixerKind> {
        let has = |rows: &[Entry]| rows.iter().any(|entry| entry.slot == self);
        if has(ATTENTION) {
            Some(MixerKind::Attention)
        } else if has(DELTA_RULE) {
            Some(MixerKind::Recurrent)
        } else {
            None
        }
    }

    /// The row of the tensor.
    pub fn entry(self) -> &'static Entry {
        entries().find(|entry| entry.slot == self).expect("every tensor has a row")
    }
}

impl Projection {
    /// Every projection, in the order of the forward pass.
    pub fn all() -> impl Iterator<Item = Projection> {
        block().filter_map(|entry| match entry.slot {
            Slot::Matrix(projection) => Some(projection),
            _ => None,
        })
    }

    fn entry(self) -> &'static Entry {
        Slot::Matrix(self).entry()
    }

    /// The norm whose output it multiplies ([`Kind::Matrix`]).
    pub fn input(self) -> BlockNorm {
        match self.entry().kind {
            Kind::Matrix { input, .. } => input,
            other => unreachable!("the row of a matrix is one of {other:?}"),
        }
    }

    /// Whether it stays as it is where matrices become ternary: of a decay, a strength or a score every digit counts.
    pub(crate) fn is_never_ternary(self) -> bool {
        matches!(self, Projection::DeltaAlpha | Projection::DeltaBeta | Projection::Router)
    }

    /// Whether its tensor has a matrix for each expert.
    pub fn is_of_experts(self) -> bool {
        self.entry().axes.len() == 3
    }

    /// Whether RoPE rotates its product.
    pub(crate) fn is_rotated(self) -> bool {
        matches!(self.entry().kind, Kind::Matrix { rotated: true, .. })
    }

    /// Whether it is a matrix of the feed-forward network, not of attention.
    pub fn is_feed_forward(self) -> bool {
        FEED_FORWARD.iter().any(|entry| entry.slot == Slot::Matrix(self))
    }

    pub(crate) fn stem(self) -> &'static str {
        self.entry().gguf
    }
}

impl BlockNumbers {
    /// All of them, in the order of the forward pass.
    pub fn all() -> impl Iterator<Item = BlockNumbers> {
        block().filter_map(|entry| match entry.slot {
            Slot::Numbers(numbers) => Some(numbers),
            _ => None,
        })
    }

    /// What follows the name in GGUF files, and the module in directories.
    pub(crate) fn suffixes(self) -> (&'static str, &'static str) {
        match self {
            BlockNumbers::Convolution => ("weight", "weight"),
            BlockNumbers::Decay => ("", ""),
            BlockNumbers::TimeStep => ("bias", ""),
        }
    }
}

impl BlockNorm {
    /// Every norm of a block, in the order of the forward pass.
    pub fn all() -> impl Iterator<Item = BlockNorm> {
        block().filter_map(|entry| match entry.slot {
            Slot::Norm(norm) => Some(norm),
            _ => None,
        })
    }

    pub(crate) fn stem(self) -> &'static str {
        Slot::Norm(self).entry().gguf
    }
}
