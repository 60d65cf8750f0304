//! The architectures that Trine runs: their names in files, and the graph of each.
//!
//! What belongs here: one row for each architecture. What does not: what a choice of a graph means ([`Graph`]), and the
//! names of tensors ([`schema`](super::schema)). `docs/adding-an-architecture.md` shows how a row is added.

use super::{Biases, Graph, QkNorm, ScaledBy};
use std::fmt;
use trine_kernels::GateActivation;
use trine_shapes::RopePairing;

/// A transformer architecture. Names are those of `general.architecture` in GGUF files.
///
/// | | gate | sub-norms | RoPE pairs in GGUF files | biases of matrices | norms of query and key heads |
/// |---|---|---|---|---|---|
/// | `bitnet-b1.58`, `bitnet-25` | squared ReLU | yes | halves (NeoX) | no | no |
/// | `bitnet` | SiLU | yes | halves (NeoX) | no | no |
/// | `llama`, `minicpm` | SiLU | no | adjacent | where the file has them | no |
/// | `qwen2` | SiLU | no | halves (NeoX) | of queries, keys and values | no |
/// | `qwen3` | SiLU | no | halves (NeoX) | no | before RoPE |
/// | `hunyuan-dense` | SiLU | no | halves (NeoX) | no | behind RoPE |
/// | `gemma3` | GELU (tanh) | no, but of branches | halves (NeoX) | no | before RoPE |
/// | `qwen35` | SiLU | no | halves (NeoX) of a part of each head | no | before RoPE |
/// | `maple` | SiLU with a limit | no | halves (NeoX) of a part of each head | no | before RoPE |
///
/// `minicpm` scales its embedding, its branches and its logits ([`Scales`](crate::Scales)), `gemma3` its embedding. In
/// `gemma3` some blocks attend within a window ([`Sliding`](crate::Sliding)). So they do in `maple`, whose other blocks
/// do not rotate, and each of whose tokens goes to some of many feed-forward networks
/// ([`Experts`](trine_shapes::Experts)).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Architecture {
    /// BitNet b1.58 2B4T.
    BitnetB158,
    /// The same, under the name of its first upload.
    Bitnet25,
    /// 1bitLLM's BitNet b1.58 large and 3B.
    Bitnet,
    /// Llama, with ternary or dense matrices: Llama3-8B-1.58, Falcon3-1.58bit, TriLM, SmolLM2.
    Llama,
    /// Qwen2 and Qwen2.5.
    Qwen2,
    /// Qwen3, dense: Bonsai 1.7B, 4B and 8B.
    Qwen3,
    /// Qwen3.5, 3.6 and 3.8, dense: Bonsai 27B. Most of its blocks have the gated delta rule in place of attention.
    Qwen35,
    /// MiniCPM and MiniCPM4, dense: BitCPM4 0.5B and 8B.
    MiniCpm,
    /// Gemma 3, dense and of text: Gemma 3 270M and 1B, BitNet embedding 270M.
    Gemma3,
    /// HunYuan, dense: Hy-MT 1.8B and 7B.
    HunYuan,
    /// Maple, a mixture of experts: Maple preview.
    Maple,
}

/// What is known of an architecture.
struct Row {
    architecture: Architecture,
    /// `general.architecture` of a GGUF file.
    name: &'static str,
    /// `architectures` of a `config.json`.
    classes: &'static [&'static str],
    /// What the configuration of those classes assumes where `config.json` does not say it.
    assumed: Assumed,
    graph: Graph,
}

/// Entries of `config.json` that HF transformers makes up where they are missing.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Assumed {
    /// `rope_theta`; `None` where the class needs the entry.
    pub rope_theta: Option<f32>,
    /// `head_dim`; `None` is `hidden_size / num_attention_heads`.
    pub head_dim: Option<usize>,
}

const NOTHING: Assumed = Assumed { rope_theta: None, head_dim: None };

const BITNET: Graph = Graph {
    gate_activation: GateActivation::ReluSquared,
    sub_norms: true,
    qk_norm: None,
    rope_pairing: RopePairing::NeoX,
    biases: Biases::None,
    output_gate: false,
    hybrid: false,
    branch_norms: false,
    input_norms: false,
    slides: false,
    global_unrotated: false,
    experts: false,
    gains_around_one: false,
    rope_alpha: false,
    scales: ScaledBy::Nothing,
    ternary: true,
};

const LLAMA: Graph = Graph {
    gate_activation: GateActivation::Silu,
    sub_norms: false,
    qk_norm: None,
    rope_pairing: RopePairing::Adjacent,
    biases: Biases::WhereFound,
    output_gate: false,
    hybrid: false,
    branch_norms: false,
    input_norms: false,
    slides: false,
    global_unrotated: false,
    experts: false,
    gains_around_one: false,
    rope_alpha: false,
    scales: ScaledBy::Nothing,
    ternary: false,
};

/// In the order of the enumeration.
const TABLE: [Row; 11] = [
    Row {
        architecture: Architecture::BitnetB158,
        name: "bitnet-b1.58",
        classes: &["BitNetForCausalLM"],
        assumed: NOTHING,
        graph: BITNET,
    },
    Row { architecture: Architecture::Bitnet25, name: "bitnet-25", classes: &[], assumed: NOTHING, graph: BITNET },
    Row {
        architecture: Architecture::Bitnet,
        name: "bitnet",
        // The second class is 1bitLLM's own code.
        classes: &["BitNetForCausalLM", "BitnetForCausalLM"],
        assumed: NOTHING,
        graph: Graph { gate_activation: GateActivation::Silu, ..BITNET },
    },
    Row {
        architecture: Architecture::Llama,
        name: "llama",
        classes: &["LlamaForCausalLM"],
        // The first Llama models do not say `rope_theta`.
        assumed: Assumed { rope_theta: Some(10_000.0), head_dim: None },
        graph: LLAMA,
    },
    Row {
        architecture: Architecture::Qwen2,
        name: "qwen2",
        classes: &["Qwen2ForCausalLM"],
        assumed: Assumed { rope_theta: Some(10_000.0), head_dim: None },
        graph: Graph { rope_pairing: RopePairing::NeoX, biases: Biases::QueryKeyValue, ..LLAMA },
    },
    Row {
        architecture: Architecture::Qwen3,
        name: "qwen3",
        classes: &["Qwen3ForCausalLM", "Qwen3Model"],
        assumed: Assumed { rope_theta: Some(10_000.0), head_dim: Some(128) },
        graph: Graph {
            rope_pairing: RopePairing::NeoX,
            biases: Biases::None,
            qk_norm: Some(QkNorm::BeforeRope),
            ..LLAMA
        },
    },
    Row {
        architecture: Architecture::Qwen35,
        name: "qwen35",
        classes: &["Qwen3_5ForConditionalGeneration", "Qwen3_5ForCausalLM"],
        assumed: Assumed { rope_theta: Some(10_000.0), head_dim: Some(256) },
        graph: Graph {
            rope_pairing: RopePairing::NeoX,
            biases: Biases::None,
            qk_norm: Some(QkNorm::BeforeRope),
            output_gate: true,
            hybrid: true,
            gains_around_one: true,
            ..LLAMA
        },
    },
    Row {
        architecture: Architecture::MiniCpm,
        name: "minicpm",
        // OpenBMB's own code.
        classes: &["MiniCPMForCausalLM"],
        assumed: Assumed { rope_theta: Some(10_000.0), head_dim: None },
        graph: Graph { scales: ScaledBy::Numbers, ..LLAMA },
    },
    Row {
        architecture: Architecture::Gemma3,
        name: "gemma3",
        classes: &["Gemma3ForCausalLM", "Gemma3TextModel"],
        assumed: Assumed { rope_theta: Some(1e6), head_dim: Some(256) },
        graph: Graph {
            gate_activation: GateActivation::Gelu,
            rope_pairing: RopePairing::NeoX,
            biases: Biases::None,
            qk_norm: Some(QkNorm::BeforeRope),
            branch_norms: true,
            slides: true,
            gains_around_one: true,
            scales: ScaledBy::RootOfHidden,
            ..LLAMA
        },
    },
    Row {
        architecture: Architecture::HunYuan,
        name: "hunyuan-dense",
        classes: &["HunYuanDenseV1ForCausalLM"],
        assumed: Assumed { rope_theta: Some(10_000.0), head_dim: None },
        graph: Graph {
            rope_pairing: RopePairing::NeoX,
            biases: Biases::None,
            qk_norm: Some(QkNorm::AfterRope),
            rope_alpha: true,
            ..LLAMA
        },
    },
    Row {
        architecture: Architecture::Maple,
        name: "maple",
        // DeepGrove's own code.
        classes: &["MapleForCausalLM"],
        assumed: NOTHING,
        graph: Graph {
            rope_pairing: RopePairing::NeoX,
            biases: Biases::None,
            qk_norm: Some(QkNorm::BeforeRope),
            slides: true,
            global_unrotated: true,
            experts: true,
            ..LLAMA
        },
    },
];

const _: () = {
    let mut index = 0;
    while index < TABLE.len() {
        assert!(TABLE[index].architecture as usize == index);
        index += 1;
    }
};

impl Architecture {
    /// Every architecture.
    pub const ALL: [Architecture; TABLE.len()] = {
        let mut all = [Architecture::Llama; TABLE.len()];
        let mut index = 0;
        while index < TABLE.len() {
            all[index] = TABLE[index].architecture;
            index += 1;
        }
        all
    };

    fn row(self) -> &'static Row {
        &TABLE[self as usize]
    }

    /// The name in `general.architecture`, which is also the prefix of the architecture's keys.
    pub fn name(self) -> &'static str {
        self.row().name
    }

    /// All names, separated by commas.
    pub(crate) fn names() -> String {
        Architecture::ALL.map(Architecture::name).join(", ")
    }

    /// The architecture of that name.
    pub fn from_name(name: &str) -> Option<Architecture> {
        Architecture::ALL.into_iter().find(|architecture| architecture.name() == name)
    }

    /// The classes of HF transformers that compute this architecture, as `architectures` of a `config.json` has them.
    pub fn classes(self) -> &'static [&'static str] {
        self.row().classes
    }

    /// What those classes assume where a `config.json` does not say it.
    pub(crate) fn assumed(self) -> Assumed {
        self.row().assumed
    }

    /// What its graph chooses.
    pub fn graph(self) -> Graph {
        self.row().graph
    }
}

impl fmt::Display for Architecture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
