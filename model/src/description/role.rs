//! The roles that tensors play: a row of the [`schema`], in a block where blocks have it.
//!
//! What belongs here: which roles a model has, and their names in GGUF files. What does not: what is known of a tensor,
//! which is in the rows.

use super::schema::{self, AxisName, BlockNorm, Entry, Kind, Projection, Slot};
use super::{Config, Graph, Presence};
use std::fmt;
use trine_shapes::Dims;

/// What a tensor of a file is for. [`Display`](fmt::Display) gives the tensor's name in GGUF files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// The embedding; also the head where there is no [`Role::Output`].
    TokenEmbedding,
    /// Norm before the head.
    OutputNorm,
    /// A head of its own.
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
    /// The role of the tensor with this name in a GGUF file, if it has one in any architecture.
    pub fn from_name(name: &str) -> Option<Role> {
        let Some(rest) = name.strip_prefix("blk.") else {
            let stem = name.strip_suffix(".weight")?;
            return Role::outside_blocks(|entry| entry.gguf == stem);
        };
        let (block, rest) = rest.split_once('.')?;
        let (block, (stem, kind)) = (block_number(block)?, rest.split_once('.')?);
        let entry = schema::block().find(|entry| entry.gguf == stem)?;
        match (entry.slot, kind) {
            (Slot::Matrix(matrix), "scale" | "weight.scale") => Some(Role::Scale(block, matrix)),
            (Slot::Matrix(matrix), "bias") => Some(Role::Bias(block, matrix)),
            (slot, "weight") => Some(slot.role(block)),
            _ => None,
        }
    }

    /// The role of the tensor outside of blocks whose row is the one sought.
    pub(crate) fn outside_blocks(is_sought: impl Fn(&Entry) -> bool) -> Option<Role> {
        let mut rows = schema::INPUT.iter().chain(schema::OUTPUT);
        rows.find(|entry| is_sought(entry)).map(|entry| entry.slot.role(0))
    }

    /// The tensor that it is of; a scale and a bias are of their matrix.
    pub fn slot(self) -> Slot {
        match self {
            Role::TokenEmbedding => Slot::TokenEmbedding,
            Role::OutputNorm => Slot::OutputNorm,
            Role::Output => Slot::Output,
            Role::RopeFrequencies => Slot::RopeFrequencies,
            Role::Norm(_, norm) => Slot::Norm(norm),
            Role::Matrix(_, matrix) | Role::Scale(_, matrix) | Role::Bias(_, matrix) => Slot::Matrix(matrix),
        }
    }

    /// The block that it is in.
    pub fn block(self) -> Option<usize> {
        match self {
            Role::Norm(block, _) | Role::Matrix(block, _) | Role::Scale(block, _) | Role::Bias(block, _) => Some(block),
            Role::TokenEmbedding | Role::OutputNorm | Role::Output | Role::RopeFrequencies => None,
        }
    }

    /// The role of the tensor that holds the factor of a matrix.
    pub(crate) fn scale(self) -> Option<Role> {
        match self {
            Role::Matrix(block, projection) => Some(Role::Scale(block, projection)),
            _ => None,
        }
    }

    /// Whether its tensor holds the gains of a norm.
    pub(crate) fn is_gains(self) -> bool {
        self.slot().entry().kind == Kind::Gains
    }

    /// The axes of its tensor, outermost first.
    pub fn axes(self) -> &'static [AxisName] {
        let axes = self.slot().entry().axes;
        match self {
            Role::Scale(..) => &[AxisName::One],
            Role::Bias(..) => &axes[..1],
            _ => axes,
        }
    }

    /// The dimensions of its tensor, outermost first, in a model with these axes whose heads rotate as a whole.
    pub fn dims(self, dims: &Dims) -> Vec<usize> {
        self.axes().iter().map(|axis| axis.len(dims)).collect()
    }

    /// Whether the files of a model with this graph have its tensor.
    pub fn presence(self, graph: &Graph) -> Presence {
        match self {
            Role::Scale(..) => Presence::Optional,
            Role::Bias(_, matrix) => graph.bias(matrix),
            _ => (self.slot().entry().presence)(graph),
        }
    }

    /// Every role of a model, in the order of the forward pass; in a block first the norms, then the matrices.
    pub fn all(config: &Config) -> Vec<Role> {
        let mut roles: Vec<Role> = schema::INPUT.iter().map(|entry| entry.slot.role(0)).collect();
        for block in 0..config.dims.blocks() {
            roles.extend(BlockNorm::all().map(|norm| Role::Norm(block, norm)));
            roles.extend(Projection::all().map(|matrix| Role::Matrix(block, matrix)));
            roles.extend(Projection::all().map(|matrix| Role::Scale(block, matrix)));
            roles.extend(Projection::all().map(|matrix| Role::Bias(block, matrix)));
        }
        roles.extend(schema::OUTPUT.iter().map(|entry| entry.slot.role(0)));
        let graph = config.graph();
        roles.retain(|role| role.presence(&graph) != Presence::Absent);
        roles
    }

    /// What follows the name of its matrix or norm, in the words of a container.
    pub(crate) fn suffix(self, scale: &'static str) -> &'static str {
        match self {
            Role::Scale(..) => scale,
            Role::Bias(..) => "bias",
            _ => "weight",
        }
    }
}

impl Slot {
    /// The role of this tensor; `block` is the block that it is in where blocks have it.
    pub fn role(self, block: usize) -> Role {
        match self {
            Slot::TokenEmbedding => Role::TokenEmbedding,
            Slot::RopeFrequencies => Role::RopeFrequencies,
            Slot::OutputNorm => Role::OutputNorm,
            Slot::Output => Role::Output,
            Slot::Norm(norm) => Role::Norm(block, norm),
            Slot::Matrix(matrix) => Role::Matrix(block, matrix),
        }
    }
}

/// The number of a block. `007` and `+7` are other names for block 7, which no writer makes.
pub(crate) fn block_number(text: &str) -> Option<usize> {
    text.parse().ok().filter(|number: &usize| number.to_string() == text)
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (stem, suffix) = (self.slot().entry().gguf, self.suffix("scale"));
        match self.block() {
            Some(block) => write!(f, "blk.{block}.{stem}.{suffix}"),
            None => write!(f, "{stem}.{suffix}"),
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
