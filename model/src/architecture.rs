//! The architectures Trine runs, and how they differ. Names are those of `general.architecture` in GGUF files.

use std::fmt;
use trine_kernels::{GateActivation, RopePairing};

/// A transformer architecture.
///
/// | | gate | sub-norms | RoPE pairs | biases of matrices |
/// |---|---|---|---|---|
/// | `bitnet-b1.58`, `bitnet-25` | squared ReLU | yes | halves (NeoX) | no |
/// | `bitnet` | SiLU | yes | halves (NeoX) | no |
/// | `llama` | SiLU | no | adjacent | where the file has them |
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Architecture {
    /// BitNet b1.58 2B4T.
    BitnetB158,
    /// The same, under the name of its first upload.
    Bitnet25,
    /// 1bitLLM's BitNet b1.58 large and 3B.
    Bitnet,
    /// Llama, with ternary or dense matrices: Llama3-8B-1.58, Falcon3-1.58bit, TriLM, SmolLM2.
    Llama,
}

impl Architecture {
    /// Every architecture.
    pub const ALL: [Architecture; 4] =
        [Architecture::BitnetB158, Architecture::Bitnet25, Architecture::Bitnet, Architecture::Llama];

    /// The name in `general.architecture`, which is also the prefix of the architecture's keys.
    pub fn name(self) -> &'static str {
        match self {
            Architecture::BitnetB158 => "bitnet-b1.58",
            Architecture::Bitnet25 => "bitnet-25",
            Architecture::Bitnet => "bitnet",
            Architecture::Llama => "llama",
        }
    }

    /// All names, separated by commas.
    pub(crate) fn names() -> String {
        Architecture::ALL.map(Architecture::name).join(", ")
    }

    /// The architecture of that name.
    pub fn from_name(name: &str) -> Option<Architecture> {
        Architecture::ALL.into_iter().find(|architecture| architecture.name() == name)
    }

    /// The non-linearity of the feed-forward gate.
    pub fn gate_activation(self) -> GateActivation {
        match self {
            Architecture::BitnetB158 | Architecture::Bitnet25 => GateActivation::ReluSquared,
            Architecture::Bitnet | Architecture::Llama => GateActivation::Silu,
        }
    }

    /// Whether a norm stands before the output and the down projection.
    pub fn has_sub_norms(self) -> bool {
        self != Architecture::Llama
    }

    /// Whether a matrix of a block may have a bias.
    pub fn has_biases(self) -> bool {
        self == Architecture::Llama
    }

    /// Whether the matrices were trained as ternary (and float ones are therefore masters).
    pub fn is_ternary(self) -> bool {
        self != Architecture::Llama
    }

    /// Which elements of a head RoPE rotates together.
    pub fn rope_pairing(self) -> RopePairing {
        match self {
            Architecture::Llama => RopePairing::Adjacent,
            _ => RopePairing::NeoX,
        }
    }
}

impl fmt::Display for Architecture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
