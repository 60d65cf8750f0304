//! The roles tensors play, and the one correspondence between roles and tensor names.

use crate::config::Config;
use std::fmt;
use trine_shapes::Dims;

/// A matrix of a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Projection {
    /// Queries: `[QWidth, Hidden]`.
    Query,
    /// Keys: `[KvWidth, Hidden]`.
    Key,
    /// Values: `[KvWidth, Hidden]`.
    Value,
    /// Output of attention: `[Hidden, QWidth]`.
    AttnOutput,
    /// Gate of the feed-forward network: `[Ffn, Hidden]`.
    Gate,
    /// What the gate multiplies: `[Ffn, Hidden]`.
    Up,
    /// Back to the residual width: `[Hidden, Ffn]`.
    Down,
}

impl Projection {
    /// Every projection, in the order of the forward pass.
    pub const ALL: [Projection; 7] = [
        Projection::Query,
        Projection::Key,
        Projection::Value,
        Projection::AttnOutput,
        Projection::Gate,
        Projection::Up,
        Projection::Down,
    ];

    /// Whether RoPE rotates its product.
    pub(crate) fn is_rotated(self) -> bool {
        matches!(self, Projection::Query | Projection::Key)
    }

    /// Whether it is a matrix of the feed-forward network, not of attention.
    pub fn is_feed_forward(self) -> bool {
        matches!(self, Projection::Gate | Projection::Up | Projection::Down)
    }

    pub(crate) fn stem(self) -> &'static str {
        match self {
            Projection::Query => "attn_q",
            Projection::Key => "attn_k",
            Projection::Value => "attn_v",
            Projection::AttnOutput => "attn_output",
            Projection::Gate => "ffn_gate",
            Projection::Up => "ffn_up",
            Projection::Down => "ffn_down",
        }
    }
}

/// A norm of a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BlockNorm {
    /// Before attention.
    Attn,
    /// Between attention and its output projection.
    AttnSub,
    /// Before the feed-forward network.
    Ffn,
    /// Before the down projection.
    FfnSub,
}

impl BlockNorm {
    /// Every norm of a block, in the order of the forward pass.
    pub const ALL: [BlockNorm; 4] = [BlockNorm::Attn, BlockNorm::AttnSub, BlockNorm::Ffn, BlockNorm::FfnSub];

    pub(crate) fn stem(self) -> &'static str {
        match self {
            BlockNorm::Attn => "attn_norm",
            BlockNorm::AttnSub => "attn_sub_norm",
            BlockNorm::Ffn => "ffn_norm",
            BlockNorm::FfnSub => "ffn_sub_norm",
        }
    }

    fn is_sub_norm(self) -> bool {
        matches!(self, BlockNorm::AttnSub | BlockNorm::FfnSub)
    }
}

/// What a tensor of a file is for. [`Display`](fmt::Display) gives the tensor's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// `[Vocab, Hidden]`; also the head where there is no [`Role::Output`].
    TokenEmbedding,
    /// Norm before the head.
    OutputNorm,
    /// A head of its own: `[Vocab, Hidden]`.
    Output,
    /// Divisors of the RoPE frequencies.
    RopeFrequencies,
    /// A norm of block `.0`.
    Norm(usize, BlockNorm),
    /// A matrix of block `.0`.
    Matrix(usize, Projection),
    /// A factor for a matrix of block `.0`.
    Scale(usize, Projection),
    /// What is added to the product of a matrix of block `.0`.
    Bias(usize, Projection),
}

impl Role {
    /// The role of the tensor with this name, if it has one in any architecture.
    pub fn from_name(name: &str) -> Option<Role> {
        match name {
            "token_embd.weight" => return Some(Role::TokenEmbedding),
            "output_norm.weight" => return Some(Role::OutputNorm),
            "output.weight" => return Some(Role::Output),
            "rope_freqs.weight" => return Some(Role::RopeFrequencies),
            _ => {}
        }
        let (block, rest) = name.strip_prefix("blk.")?.split_once('.')?;
        let (stem, kind) = rest.split_once('.')?;
        let number: usize = block.parse().ok()?;
        let norm = BlockNorm::ALL.into_iter().find(|norm| norm.stem() == stem).map(|norm| Role::Norm(number, norm));
        let matrix = Projection::ALL.into_iter().find(|matrix| matrix.stem() == stem);
        let role = match kind {
            "weight" => norm.or(matrix.map(|matrix| Role::Matrix(number, matrix))),
            "scale" | "weight.scale" => matrix.map(|matrix| Role::Scale(number, matrix)),
            "bias" => matrix.map(|matrix| Role::Bias(number, matrix)),
            _ => None,
        };
        // `blk.007` and `blk.+7` are other names for block 7, which no writer makes.
        role.filter(|_| number.to_string() == block)
    }

    /// The role of the tensor that holds the factor of a matrix.
    pub(crate) fn scale(self) -> Option<Role> {
        match self {
            Role::Matrix(block, projection) => Some(Role::Scale(block, projection)),
            _ => None,
        }
    }

    /// The dimensions of its tensor, outermost first, in a model with these axes whose heads rotate as a whole.
    pub fn dims(self, dims: &Dims) -> Vec<usize> {
        let Dims { vocab, hidden, ffn, kv_heads, group, head_dim } = *dims;
        let (q_width, kv_width) = (kv_heads * group * head_dim, kv_heads * head_dim);
        match self {
            Role::TokenEmbedding | Role::Output => vec![vocab, hidden],
            Role::OutputNorm | Role::Norm(_, BlockNorm::Attn | BlockNorm::Ffn) => vec![hidden],
            Role::Norm(_, BlockNorm::AttnSub) => vec![q_width],
            Role::Norm(_, BlockNorm::FfnSub) => vec![ffn],
            Role::RopeFrequencies => vec![head_dim / 2],
            Role::Scale(..) => vec![1],
            Role::Bias(_, Projection::Query) => vec![q_width],
            Role::Bias(_, Projection::Key | Projection::Value) => vec![kv_width],
            Role::Bias(_, Projection::AttnOutput | Projection::Down) => vec![hidden],
            Role::Bias(_, Projection::Gate | Projection::Up) => vec![ffn],
            Role::Matrix(_, Projection::Query) => vec![q_width, hidden],
            Role::Matrix(_, Projection::Key | Projection::Value) => vec![kv_width, hidden],
            Role::Matrix(_, Projection::AttnOutput) => vec![hidden, q_width],
            Role::Matrix(_, Projection::Gate | Projection::Up) => vec![ffn, hidden],
            Role::Matrix(_, Projection::Down) => vec![hidden, ffn],
        }
    }

    /// Whether a file may lack it.
    pub fn is_optional(self) -> bool {
        matches!(self, Role::Output | Role::RopeFrequencies | Role::Scale(..) | Role::Bias(..))
    }

    /// Every role of a model, in the order of the forward pass.
    pub fn all(config: &Config) -> Vec<Role> {
        let mut roles = vec![Role::TokenEmbedding, Role::RopeFrequencies];
        for block in 0..config.layers {
            let norms = BlockNorm::ALL.into_iter().filter(|n| config.architecture.has_sub_norms() || !n.is_sub_norm());
            roles.extend(norms.map(|norm| Role::Norm(block, norm)));
            roles.extend(Projection::ALL.map(|matrix| Role::Matrix(block, matrix)));
            roles.extend(Projection::ALL.map(|matrix| Role::Scale(block, matrix)));
            if config.architecture.has_biases() {
                roles.extend(Projection::ALL.map(|matrix| Role::Bias(block, matrix)));
            }
        }
        roles.extend([Role::OutputNorm, Role::Output]);
        roles
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Role::TokenEmbedding => f.write_str("token_embd.weight"),
            Role::OutputNorm => f.write_str("output_norm.weight"),
            Role::Output => f.write_str("output.weight"),
            Role::RopeFrequencies => f.write_str("rope_freqs.weight"),
            Role::Norm(block, norm) => write!(f, "blk.{block}.{}.weight", norm.stem()),
            Role::Matrix(block, matrix) => write!(f, "blk.{block}.{}.weight", matrix.stem()),
            Role::Scale(block, matrix) => write!(f, "blk.{block}.{}.scale", matrix.stem()),
            Role::Bias(block, matrix) => write!(f, "blk.{block}.{}.bias", matrix.stem()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_roles_correspond() {
        for name in ["token_embd.weight", "output.weight", "blk.0.attn_sub_norm.weight", "blk.12.ffn_down.weight"] {
            assert_eq!(Role::from_name(name).unwrap().to_string(), name);
        }
        assert_eq!(Role::from_name("blk.3.attn_q.scale"), Some(Role::Scale(3, Projection::Query)));
        assert_eq!(Role::from_name("blk.3.ffn_up.bias"), Some(Role::Bias(3, Projection::Up)));
        let strangers = ["blk.x.attn_q.weight", "blk.1.attn_norm.bias", "blk.01.attn_q.weight", "attn_q.weight"];
        for name in strangers.into_iter().chain(["blk.+1.attn_q.weight", "blk.1.attn_norm.scale", ""]) {
            assert_eq!(Role::from_name(name), None, "{name}");
        }
    }
}
