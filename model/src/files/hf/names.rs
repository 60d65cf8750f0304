//! The names of tensors in checkpoints of HF transformers, and the roles they have. The modules are columns of the
//! [`schema`]; what stands around them is here.

use crate::description::schema::{self, Slot};
use crate::description::{BlockNumbers, Graph, Role, block_number};

const LAYERS: &str = "model.layers.";

/// What the names of a model of text begin with where it is a part of one of images.
const OF_TEXT: &str = "model.language_model.";

/// What follows the module of a matrix in that of its norm.
const INPUT_NORM: &str = ".norm";

/// The role of the tensor with this name, if it has one in any graph; in `graph`, where a name is of several.
pub(crate) fn role(name: &str, graph: &Graph) -> Option<Role> {
    let of_text = name.strip_prefix(OF_TEXT).map(|rest| format!("model.{rest}"));
    let name = of_text.as_deref().unwrap_or(name);
    if let Some(numbers) = block_numbers(name) {
        return Some(numbers);
    }
    let (path, kind) = name.rsplit_once('.')?;
    let Some(rest) = path.strip_prefix(LAYERS) else {
        return Role::outside_blocks(|entry| kind == "weight" && entry.hf.contains(&path));
    };
    let (block, module) = rest.split_once('.')?;
    let block = block_number(block)?;
    if let Some(module) = module.strip_suffix(INPUT_NORM).filter(|_| kind == "weight") {
        let matrix = schema::of_block(graph, |entry| entry.hf_in(graph).contains(&module));
        if let Some(Slot::Matrix(matrix)) = matrix.map(|entry| entry.slot) {
            return Some(Role::InputNorm(block, matrix));
        }
    }
    let entry = schema::of_block(graph, |entry| entry.hf_in(graph).contains(&module))?;
    match (entry.slot, kind) {
        (Slot::Matrix(matrix), "weight_scale") => Some(Role::Scale(block, matrix)),
        (Slot::Matrix(matrix), "bias") => Some(Role::Bias(block, matrix)),
        (Slot::Numbers(_), _) => None,
        (slot, "weight") => Some(slot.role(block)),
        _ => None,
    }
}

/// The role of numbers of a block, whose names need not end in what they are.
fn block_numbers(name: &str) -> Option<Role> {
    let (block, module) = name.strip_prefix(LAYERS)?.split_once('.')?;
    let block = block_number(block)?;
    let mut all = BlockNumbers::all().map(|numbers| Role::Numbers(block, numbers));
    all.find(|role| {
        let (stems, suffix) = (role.slot().entry().hf, role.suffix(""));
        stems.iter().any(|stem| match suffix {
            "" => module == *stem,
            suffix => module.strip_prefix(stem).and_then(|rest| rest.strip_prefix('.')) == Some(suffix),
        })
    })
}

/// The name that transformers gives the tensor of a role; where checkpoints have none, the one in GGUF files.
pub(super) fn name(role: Role, graph: &Graph) -> String {
    let suffix = match role {
        Role::InputNorm(..) => "norm.weight",
        _ => role.suffix("weight_scale"),
    };
    match (role.slot().entry().hf_in(graph).first(), role.block()) {
        (Some(module), Some(block)) if suffix.is_empty() => format!("{LAYERS}{block}.{module}"),
        (Some(module), Some(block)) => format!("{LAYERS}{block}.{module}.{suffix}"),
        (Some(module), None) => format!("{module}.{suffix}"),
        (None, _) => role.to_string(),
    }
}

/// Whether a tensor holds nothing that a model needs: RoPE frequencies, which old versions of transformers saved too.
pub(super) fn is_computed(name: &str) -> bool {
    name.ends_with(".rotary_emb.inv_freq")
}

/// Whether a tensor of a hybrid model is of a part that is not read: what sees images, or what guesses tokens.
pub(super) fn is_of_other_part(name: &str) -> bool {
    ["mtp.", "model.visual."].iter().any(|part| name.starts_with(part))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::description::schema::block;
    use crate::description::{Architecture, BlockNorm, Presence, Projection};

    #[test]
    fn names_and_roles_correspond() {
        for graph in Architecture::ALL.map(Architecture::graph) {
            let has = |role: &Role| role.presence(&Graph { input_norms: true, ..graph }) != Presence::Absent;
            let all = block().map(|entry| entry.slot.role(11));
            let all = all.chain(Projection::all().map(|matrix| Role::Scale(0, matrix)));
            let all = all.chain(Projection::all().map(|matrix| Role::Bias(7, matrix)));
            let all = all.chain(Projection::all().map(|matrix| Role::InputNorm(2, matrix)));
            for role_of in all.filter(has).chain([Role::TokenEmbedding, Role::OutputNorm, Role::Output]) {
                assert_eq!(role(&name(role_of, &graph), &graph), Some(role_of));
            }
        }
        let graph = Architecture::Bitnet.graph();
        let other = [("self_attn.inner_attn_ln", BlockNorm::AttnSub), ("mlp.ffn_layernorm", BlockNorm::FfnSub)];
        for (module, norm) in other {
            assert_eq!(role(&format!("model.layers.2.{module}.weight"), &graph), Some(Role::Norm(2, norm)));
        }
        let graph = Architecture::Qwen35.graph();
        let of_text =
            [("norm.weight", Role::OutputNorm), ("layers.2.linear_attn.A_log", Role::Numbers(2, BlockNumbers::Decay))];
        for (rest, expected) in of_text {
            assert_eq!(role(&format!("model.language_model.{rest}"), &graph), Some(expected));
        }
        let of =
            |architecture: Architecture| role("model.layers.4.post_attention_layernorm.weight", &architecture.graph());
        assert_eq!(of(Architecture::Gemma3), Some(Role::Norm(4, BlockNorm::PostAttn)));
        assert_eq!(of(Architecture::Qwen3), Some(Role::Norm(4, BlockNorm::Ffn)));
        for stranger in ["model.layers.01.mlp.up_proj.weight", "model.layers.1.input_layernorm.bias", "norm.weight", ""]
        {
            assert_eq!(role(stranger, &graph), None, "{stranger}");
        }
    }
}
