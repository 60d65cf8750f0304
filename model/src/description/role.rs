//! The roles that tensors play: a row of the [`schema`], in a block where blocks have it.
//!
//! What belongs here: which roles a model has, and their names in GGUF files. What does not: what is known of a tensor,
//! which is in the rows.

use super::schema::{self, AxisName, BlockNorm, BlockNumbers, Entry, Kind, Projection, Slot};
use super::{Config, Graph, Presence, RopeFactors, RopeScaling};
use std::fmt;

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
    /// Divisors of the RoPE frequencies by LongRoPE.
    RopeFactors(RopeFactors),
    /// A norm of block `.0`.
    Norm(usize, BlockNorm),
    /// A matrix of block `.0`.
    Matrix(usize, Projection),
    /// A factor for a matrix of block `.0`.
    Scale(usize, Projection),
    /// What is added to the product of a matrix of block `.0`.
    Bias(usize, Projection),
    /// The norm of what a matrix of block `.0` multiplies, in front of that matrix alone.
    InputNorm(usize, Projection),
    /// Numbers of block `.0`.
    Numbers(usize, BlockNumbers),
}

/// What follows the name of a matrix in the name of its norm.
const INPUT_NORM: &str = "_norm_in";

impl Role {
    /// The role of the tensor with this name in a GGUF file, if it has one in any graph; in `graph`, where a name is of
    /// several.
    pub fn from_name(name: &str, graph: &Graph) -> Option<Role> {
        let Some(rest) = name.strip_prefix("blk.") else {
            let stem = name.strip_suffix(".weight")?;
            return Role::outside_blocks(|entry| entry.gguf == stem);
        };
        let (block, rest) = rest.split_once('.')?;
        let (block, (stem, kind)) = (block_number(block)?, rest.split_once('.').unwrap_or((rest, "")));
        if let Some(stem) = stem.strip_suffix(INPUT_NORM).filter(|_| kind == "weight") {
            let matrix = Projection::all().find(|matrix| matrix.stem() == stem)?;
            return Some(Role::InputNorm(block, matrix));
        }
        let entry = schema::of_block(graph, |entry| entry.gguf_in(graph) == stem)?;
        match (entry.slot, kind) {
            (Slot::Numbers(numbers), kind) => (kind == numbers.suffixes().0).then_some(Role::Numbers(block, numbers)),
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
            Role::RopeFactors(of) => Slot::RopeFactors(of),
            Role::Norm(_, norm) => Slot::Norm(norm),
            Role::Numbers(_, numbers) => Slot::Numbers(numbers),
            Role::Matrix(_, matrix) | Role::Scale(_, matrix) | Role::Bias(_, matrix) => Slot::Matrix(matrix),
            Role::InputNorm(_, matrix) => Slot::Matrix(matrix),
        }
    }

    /// The block that it is in.
    pub fn block(self) -> Option<usize> {
        match self {
            Role::Norm(block, _) | Role::Matrix(block, _) | Role::Scale(block, _) | Role::Bias(block, _) => Some(block),
            Role::InputNorm(block, _) | Role::Numbers(block, _) => Some(block),
            Role::TokenEmbedding | Role::OutputNorm | Role::Output => None,
            Role::RopeFrequencies | Role::RopeFactors(_) => None,
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
        matches!(self, Role::InputNorm(..)) || self.slot().entry().kind == Kind::Gains
    }

    /// The axes of its tensor in a model with this graph, outermost first.
    pub fn axes(self, graph: &Graph) -> &'static [AxisName] {
        let axes = self.slot().entry().axes_in(graph);
        match self {
            Role::Scale(..) => &[AxisName::One],
            Role::Bias(..) => &axes[..1],
            Role::InputNorm(..) => &axes[axes.len() - 1..],
            _ => axes,
        }
    }

    /// The dimensions of its tensor, outermost first, in a model whose heads rotate as a whole.
    pub fn dims(self, config: &Config) -> Vec<usize> {
        self.axes(&config.graph()).iter().map(|axis| axis.len(&config.dims)).collect()
    }

    /// Whether the files of a model with this graph have its tensor, of a block that has the mixer that it is of.
    pub fn presence(self, graph: &Graph) -> Presence {
        let of_entry = (self.slot().entry().presence)(graph);
        match self {
            Role::Scale(..) | Role::Bias(..) | Role::InputNorm(..) if of_entry == Presence::Absent => Presence::Absent,
            // What is beside the matrices of experts would be one number or row for each.
            Role::Scale(_, matrix) | Role::Bias(_, matrix) | Role::InputNorm(_, matrix) if matrix.is_of_experts() => {
                Presence::Absent
            }
            Role::InputNorm(..) => Presence::required_if(graph.input_norms),
            Role::Scale(..) => Presence::Optional,
            Role::Bias(_, matrix) => graph.bias(matrix),
            _ => of_entry,
        }
    }

    /// Whether the files of a model have its tensor.
    pub fn presence_in(self, config: &Config) -> Presence {
        let is_of_other_mixer =
            |block: usize| self.slot().mixer().is_some_and(|kind| kind != config.layers.mixer(block));
        let is_long = matches!(config.rope.scaling, RopeScaling::LongRope(_));
        match (self, self.block()) {
            (_, Some(block)) if is_of_other_mixer(block) => Presence::Absent,
            (Role::RopeFactors(_), _) => Presence::required_if(is_long),
            (Role::RopeFrequencies, _) if is_long => Presence::Absent,
            _ => self.presence(&config.graph()),
        }
    }

    /// Every role of a model, in the order of the forward pass; in a block first the norms, then the matrices.
    pub fn all(config: &Config) -> Vec<Role> {
        let mut roles: Vec<Role> = schema::INPUT.iter().map(|entry| entry.slot.role(0)).collect();
        for block in 0..config.dims.blocks() {
            roles.extend(BlockNorm::all().map(|norm| Role::Norm(block, norm)));
            roles.extend(Projection::all().map(|matrix| Role::InputNorm(block, matrix)));
            roles.extend(Projection::all().map(|matrix| Role::Matrix(block, matrix)));
            roles.extend(Projection::all().map(|matrix| Role::Scale(block, matrix)));
            roles.extend(Projection::all().map(|matrix| Role::Bias(block, matrix)));
            roles.extend(BlockNumbers::all().map(|numbers| Role::Numbers(block, numbers)));
        }
        roles.extend(schema::OUTPUT.iter().map(|entry| entry.slot.role(0)));
        roles.retain(|role| role.presence_in(config) != Presence::Absent);
        roles
    }

    /// The name of its tensor in GGUF files of models with this graph.
    pub fn gguf_name(self, graph: &Graph) -> String {
        self.named(self.slot().entry().gguf_in(graph))
    }

    fn named(self, stem: &str) -> String {
        let dot_suffix = match self {
            Role::Numbers(_, numbers) => numbers.suffixes().0,
            _ => self.suffix("scale"),
        };
        let infix = if matches!(self, Role::InputNorm(..)) { INPUT_NORM } else { "" };
        let dot_suffix = if dot_suffix.is_empty() { String::new() } else { format!(".{dot_suffix}") };
        match self.block() {
            Some(block) => format!("blk.{block}.{stem}{infix}{dot_suffix}"),
            None => format!("{stem}{dot_suffix}"),
        }
    }

    /// What follows the name of its matrix or norm, in the words of a container.
    pub(crate) fn suffix(self, scale: &'static str) -> &'static str {
        match self {
            Role::Numbers(_, numbers) => numbers.suffixes().1,
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
            Slot::RopeFactors(of) => Role::RopeFactors(of),
            Slot::OutputNorm => Role::OutputNorm,
            Slot::Output => Role::Output,
            Slot::Norm(norm) => Role::Norm(block, norm),
            Slot::Matrix(matrix) => Role::Matrix(block, matrix),
            Slot::Numbers(numbers) => Role::Numbers(block, numbers),
        }
    }
}

/// The number of a block. `007` and `+7` are other names for block 7, which no writer makes.
pub(crate) fn block_number(text: &str) -> Option<usize> {
    text.parse().ok().filter(|number: &usize| number.to_string() == text)
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.named(self.slot().entry().gguf))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Architecture;

    #[test]
    fn names_and_roles_correspond() {
        let graph = Architecture::Qwen35.graph();
        let names = ["token_embd.weight", "output.weight", "blk.0.attn_sub_norm.weight", "blk.12.ffn_down.weight"];
        for name in names.into_iter().chain([
            "blk.0.ssm_a",
            "blk.2.ssm_dt.bias",
            "blk.7.ssm_conv1d.weight",
            "blk.0.attn_q_norm_in.weight",
        ]) {
            assert_eq!(Role::from_name(name, &graph).unwrap().to_string(), name);
        }
        assert_eq!(Role::from_name("blk.3.attn_q.scale", &graph), Some(Role::Scale(3, Projection::Query)));
        assert_eq!(Role::from_name("blk.3.ffn_up.bias", &graph), Some(Role::Bias(3, Projection::Up)));
        assert_eq!(Role::from_name("blk.3.ffn_up_norm_in.weight", &graph), Some(Role::InputNorm(3, Projection::Up)));
        let of =
            |architecture: Architecture| Role::from_name("blk.3.post_attention_norm.weight", &architecture.graph());
        assert_eq!(of(Architecture::Gemma3), Some(Role::Norm(3, BlockNorm::PostAttn)));
        let norm = of(Architecture::Qwen35).unwrap();
        assert_eq!(norm.gguf_name(&Architecture::Qwen35.graph()), "blk.3.post_attention_norm.weight");
        assert_eq!((norm, norm.to_string()), (Role::Norm(3, BlockNorm::Ffn), "blk.3.ffn_norm.weight".to_owned()));
        let strangers = ["blk.x.attn_q.weight", "blk.1.attn_norm.bias", "blk.01.attn_q.weight", "attn_q.weight"];
        for name in strangers.into_iter().chain([
            "blk.+1.attn_q.weight",
            "blk.1.attn_norm.scale",
            "",
            "blk.1.ssm_a.weight",
            "blk.1.attn_q",
        ]) {
            assert_eq!(Role::from_name(name, &graph), None, "{name}");
        }
    }
}
