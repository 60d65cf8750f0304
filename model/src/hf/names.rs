//! The names of tensors in checkpoints of HF transformers, and the roles they have.

use crate::role::{BlockNorm, Projection, Role};

const LAYERS: &str = "model.layers.";

/// The module of a projection in its block.
fn module(projection: Projection) -> &'static str {
    match projection {
        Projection::Query => "self_attn.q_proj",
        Projection::Key => "self_attn.k_proj",
        Projection::Value => "self_attn.v_proj",
        Projection::AttnOutput => "self_attn.o_proj",
        Projection::Gate => "mlp.gate_proj",
        Projection::Up => "mlp.up_proj",
        Projection::Down => "mlp.down_proj",
    }
}

/// The modules of a norm in its block: that of transformers, then that of 1bitLLM's own code.
fn norm_modules(norm: BlockNorm) -> &'static [&'static str] {
    match norm {
        BlockNorm::Attn => &["input_layernorm"],
        BlockNorm::AttnSub => &["self_attn.attn_sub_norm", "self_attn.inner_attn_ln"],
        BlockNorm::Ffn => &["post_attention_layernorm"],
        BlockNorm::FfnSub => &["mlp.ffn_sub_norm", "mlp.ffn_layernorm"],
    }
}

/// The role of the tensor with this name, if it has one in any architecture.
pub(super) fn role(name: &str) -> Option<Role> {
    match name {
        "model.embed_tokens.weight" => return Some(Role::TokenEmbedding),
        "model.norm.weight" => return Some(Role::OutputNorm),
        "lm_head.weight" => return Some(Role::Output),
        _ => {}
    }
    let (block, rest) = name.strip_prefix(LAYERS)?.split_once('.')?;
    let number: usize = block.parse().ok().filter(|number: &usize| number.to_string() == block)?;
    let (path, kind) = rest.rsplit_once('.')?;
    let projection = Projection::ALL.into_iter().find(|projection| module(*projection) == path);
    let norm = BlockNorm::ALL.into_iter().find(|norm| norm_modules(*norm).contains(&path));
    match kind {
        "weight" => projection.map(|matrix| Role::Matrix(number, matrix)).or(norm.map(|norm| Role::Norm(number, norm))),
        "weight_scale" => projection.map(|matrix| Role::Scale(number, matrix)),
        "bias" => projection.map(|matrix| Role::Bias(number, matrix)),
        _ => None,
    }
}

/// The name that transformers gives the tensor of a role.
pub(super) fn name(role: Role) -> String {
    match role {
        Role::TokenEmbedding => "model.embed_tokens.weight".to_owned(),
        Role::OutputNorm => "model.norm.weight".to_owned(),
        Role::Output => "lm_head.weight".to_owned(),
        // Checkpoints have none: `config.json` has what these divisors follow from.
        Role::RopeFrequencies => role.to_string(),
        Role::Norm(block, norm) => format!("{LAYERS}{block}.{}.weight", norm_modules(norm)[0]),
        Role::Matrix(block, matrix) => format!("{LAYERS}{block}.{}.weight", module(matrix)),
        Role::Scale(block, matrix) => format!("{LAYERS}{block}.{}.weight_scale", module(matrix)),
        Role::Bias(block, matrix) => format!("{LAYERS}{block}.{}.bias", module(matrix)),
    }
}

/// Whether a tensor holds nothing that a model needs: RoPE frequencies, which old versions of transformers saved too.
pub(super) fn is_computed(name: &str) -> bool {
    name.ends_with(".rotary_emb.inv_freq")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_roles_correspond() {
        let all = Projection::ALL.map(|matrix| Role::Matrix(11, matrix)).into_iter();
        let all = all.chain(Projection::ALL.map(|matrix| Role::Scale(0, matrix)));
        let all = all.chain(Projection::ALL.map(|matrix| Role::Bias(7, matrix)));
        let all = all.chain(BlockNorm::ALL.map(|norm| Role::Norm(3, norm)));
        for role_of in all.chain([Role::TokenEmbedding, Role::OutputNorm, Role::Output]) {
            assert_eq!(role(&name(role_of)), Some(role_of));
        }
        let other = [("self_attn.inner_attn_ln", BlockNorm::AttnSub), ("mlp.ffn_layernorm", BlockNorm::FfnSub)];
        for (module, norm) in other {
            assert_eq!(role(&format!("model.layers.2.{module}.weight")), Some(Role::Norm(2, norm)));
        }
        for stranger in ["model.layers.01.mlp.up_proj.weight", "model.layers.1.input_layernorm.bias", "norm.weight", ""]
        {
            assert_eq!(role(stranger), None, "{stranger}");
        }
    }
}
