//! The names of tensors in checkpoints of HF transformers, and the roles they have. The modules are columns of the
//! [`schema`]; what stands around them is here.

use crate::description::schema::{self, Slot};
use crate::description::{BlockNumbers, Graph, Role, block_number};

const LAYERS: &str = "model.layers.";

/// What the names of a model of text begin with where it is a part of one of images.
const OF_TEXT: &str = "model.language_model.";

/// What follows the module of a matrix in that of its norm.
const INPUT_NORM: &str = ".norm";

/// What the number of an expert follows in the name of a tensor that is of one expert.
const EXPERTS: &str = ".mlp.experts.";

/// The role of the tensor with this name, if it has one in any graph; in `graph`, where a name is of several.
pub(crate) fn role(name: &str, graph: &Graph) -> Option<Role> {
    let of_text = name.strip_prefix(OF_TEXT).map(|rest| format!("model.{rest}"));
    let name = of_text.as_deref().unwrap_or(name);
    match expert(name, graph) {
        Some((role, _)) => Some(role),
        None => of_all(name, graph),
    }
}

/// The role of a tensor that is not of one expert alone.
fn of_all(name: &str, graph: &Graph) -> Option<Role> {
    if let Some(numbers) = block_numbers(name) {
        return Some(numbers);
    }
    let (path, kind) = name.rsplit_once('.')?;
    let Some(rest) = path.strip_prefix(LAYERS) else {
        return Role::outside_blocks(|entry| kind == "weight" && entry.hf_in(graph).contains(&path));
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

/// The role of a tensor of one expert of a block, which the tensors of the other experts have too, and its number.
pub(super) fn expert(name: &str, graph: &Graph) -> Option<(Role, usize)> {
    let (before, rest) = name.split_once(EXPERTS).filter(|_| graph.experts)?;
    let (number, rest) = rest.split_once('.')?;
    let number = block_number(number)?;
    match of_all(&format!("{before}{EXPERTS}{rest}"), graph)? {
        matrix @ Role::Matrix(_, projection) if projection.is_of_experts() => Some((matrix, number)),
        _ => None,
    }
}

/// The name of the tensor of one expert.
pub(super) fn name_of_expert(role: Role, number: usize, graph: &Graph) -> String {
    name(role, graph).replacen(EXPERTS, &format!("{EXPERTS}{number}."), 1)
}

/// The name of a tensor of one expert, with a star for its number.
pub(super) fn of_all_experts(name: &str) -> String {
    let all = name.split_once(EXPERTS).and_then(|(before, rest)| {
        let (_, rest) = rest.split_once('.')?;
        Some(format!("{before}{EXPERTS}*.{rest}"))
    });
    all.unwrap_or_else(|| name.to_owned())
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

/// Whether a tensor is of a part that is not read: of a hybrid model what sees images or guesses tokens, of one with
/// experts a head that finds large logits without reading all of it.
pub(super) fn is_of_other_part(name: &str, graph: &Graph) -> bool {
    let parts: &[&str] = match (graph.hybrid, graph.experts) {
        (true, _) => &["mtp.", "model.visual."],
        (_, true) => &["lm_head_flash."],
        _ => &[],
    };
    parts.iter().any(|part| name.starts_with(part))
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
        let graph = Architecture::Maple.graph();
        let gate = Role::Matrix(3, Projection::ExpertGate);
        for module in ["mlp.experts.gate_proj", "mlp.switch_mlp.gate_proj", "mlp.experts.17.gate_proj"] {
            assert_eq!(role(&format!("model.layers.3.{module}.weight"), &graph), Some(gate));
        }
        let of_one = name_of_expert(gate, 17, &graph);
        assert_eq!((expert(&of_one, &graph), expert(&name(gate, &graph), &graph)), (Some((gate, 17)), None));
        assert_eq!(of_all_experts(&of_one), "model.layers.3.mlp.experts.*.gate_proj.weight");
        for stranger in ["experts.017.gate_proj", "experts.1.router", "experts.1.gate_proj.weight"] {
            assert_eq!(role(&format!("model.layers.3.mlp.{stranger}.weight"), &graph), None, "{stranger}");
        }
        assert_eq!(role(&of_one, &Architecture::Qwen3.graph()), None);
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
