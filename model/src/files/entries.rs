//! Entries of files that say something of the model, and which of them are read.
//!
//! What belongs here: the entries that are read, those that are knowingly not read and why.
//! What does not: reading them, and refusing what changes the arithmetic (`description`, `hf`); the tokenizer's files.

#[cfg(test)]
mod tests;

/// Keys of a GGUF file that are read, without the name of the architecture.
const READ_OF_GGUF: [&str; 61] = [
    "attention.causal",
    "attention.clamp_kqv",
    "attention.head_count",
    "attention.head_count_kv",
    "attention.key_length",
    "attention.layer_norm_rms_epsilon",
    "attention.logit_softcapping",
    "attention.max_alibi_bias",
    "attention.output_scale",
    "attention.recurrent_layers",
    "attention.scale",
    "attention.sliding_window",
    "attention.sliding_window_pattern",
    "attention.temperature_length",
    "attention.temperature_scale",
    "attention.value_length",
    "attention.value_scale",
    "attn_logit_softcapping",
    "block_count",
    "context_length",
    "embedding_length",
    "embedding_scale",
    "expert_count",
    "expert_feed_forward_length",
    "expert_gating_func",
    "expert_group_count",
    "expert_shared_count",
    "expert_used_count",
    "expert_weights_norm",
    "expert_weights_scale",
    "feed_forward_length",
    "final_logit_softcapping",
    "full_attention_interval",
    "logit_scale",
    "nextn_predict_layers",
    "pooling_type",
    "rescale_every_n_layers",
    "residual_scale",
    "rope.dimension_count",
    "rope.dimension_count_swa",
    "rope.dimension_sections",
    "rope.freq_base",
    "rope.freq_base_swa",
    "rope.scale_linear",
    "rope.scaling.alpha",
    "rope.scaling.attn_factor",
    "rope.scaling.factor",
    "rope.scaling.original_context_length",
    "rope.scaling.type",
    "rope.scaling.yarn_attn_factor",
    "rope.scaling.yarn_beta_fast",
    "rope.scaling.yarn_beta_slow",
    "rope.scaling.yarn_ext_factor",
    "rope.scaling.yarn_log_multiplier",
    "ssm.conv_kernel",
    "ssm.group_count",
    "ssm.inner_size",
    "ssm.state_size",
    "ssm.time_step_rank",
    "swiglu_clamp_exp",
    "vocab_size",
];

/// Keys of a GGUF file that change nothing, and why.
const IGNORED_OF_GGUF: [(&str, &str); 5] = [
    ("attention.layer_norm_epsilon", "of LayerNorm, which these architectures do not have"),
    ("expert_group_used_count", "of groups of experts, which are refused"),
    ("rope.scaling.finetuned", "says how the model was trained"),
    ("tensor_data_layout", "the layout of files before GGUF version 2"),
    ("use_parallel_residual", "of GPT-NeoX; writers of other architectures leave it in"),
];

/// Entries of a `config.json` that are read.
const READ_OF_HF: [&str; 58] = [
    "_name_or_path",
    "_sliding_window_pattern",
    "architectures",
    "attention_bias",
    "attn_logit_softcapping",
    "attn_output_gate",
    "bos_token_id",
    "dim_model_base",
    "eos_token_id",
    "final_logit_softcapping",
    "first_k_dense_replace",
    "full_attention_interval",
    "head_dim",
    "hidden_act",
    "hidden_activation",
    "hidden_size",
    "input_bits",
    "intermediate_size",
    "layer_types",
    "linear_conv_kernel_dim",
    "linear_key_head_dim",
    "linear_num_key_heads",
    "linear_num_value_heads",
    "linear_value_head_dim",
    "max_position_embeddings",
    "mlp_bias",
    "moe_intermediate_size",
    "moe_router_enable_expert_bias",
    "nope_on_global_attention",
    "norm_topk_prob",
    "num_attention_heads",
    "num_experts",
    "num_experts_per_tok",
    "num_hidden_layers",
    "num_key_value_heads",
    "num_shared_experts",
    "partial_rotary_factor",
    "quantization",
    "quantization_config",
    "query_pre_attn_scalar",
    "rms_norm_eps",
    "rope_local_base_freq",
    "rope_parameters",
    "rope_scaling",
    "rope_theta",
    "router_dtype",
    "scale_depth",
    "scale_emb",
    "sliding_window",
    "sliding_window_pattern",
    "tie_word_embeddings",
    "use_bias",
    "use_bidirectional_attention",
    "use_qk_norm",
    "use_rmsnorm",
    "use_sliding_window",
    "vocab_size",
    "weight_bits",
];

/// Entries of a `config.json` that change nothing, and why.
const IGNORED_OF_HF: [(&str, &str); 51] = [
    ("attention_dropout", TRAINING),
    ("_attn_implementation", CODE),
    ("auto_map", CODE),
    ("chunk_size_feed_forward", CODE),
    ("dtype", "tensors say what type they have"),
    ("embd_pdrop", TRAINING),
    ("embedding_dropout", TRAINING),
    ("eod_token_id", "of training: generations end with `eos_token_id`"),
    ("flash_head", FLASH_HEAD),
    ("hidden_dropout", TRAINING),
    ("id2label", HEADS),
    ("image_token_id", IMAGES),
    ("initializer_range", TRAINING),
    ("is_decoder", "all classes that are read are decoders"),
    ("is_encoder_decoder", "no class that is read has an encoder"),
    ("is_llama_config", CODE),
    ("label2id", HEADS),
    ("mamba_ssm_dtype", "states are in f32"),
    ("max_window_layers", "of sliding windows, which are refused where they are in use"),
    ("model_file", CODE),
    ("model_type", "`architectures` names the class"),
    ("moe_shared_expert_intermediate_size", "of experts of all tokens, which are refused"),
    ("mtp_num_hidden_layers", GUESSES),
    ("mtp_use_dedicated_embeddings", GUESSES),
    ("output_attentions", CODE),
    ("output_dropout", TRAINING),
    ("output_hidden_states", CODE),
    ("output_router_logits", CODE),
    ("pad_token_id", "prompts of a batch are not padded"),
    ("preaffine", NO_CODE),
    ("pretraining_tp", "cuts a product into parts that are added up"),
    ("problem_type", HEADS),
    ("quantize", NO_CODE),
    ("resid_pdrop", TRAINING),
    ("return_dict", CODE),
    ("router_aux_loss_coef", TRAINING),
    ("task_specific_params", "of pipelines"),
    ("torch_dtype", "tensors say what type they have"),
    ("torchscript", CODE),
    ("transformers.js_config", CODE),
    ("transformers_version", "of the program that wrote the file"),
    ("unsloth_fixed", "of the program that wrote the file"),
    ("unsloth_version", "of the program that wrote the file"),
    ("use_cache", CODE),
    ("use_flash_head", FLASH_HEAD),
    ("use_bfloat16", "tensors say what type they have"),
    ("video_token_id", IMAGES),
    ("vision_config", IMAGES),
    ("vision_end_token_id", IMAGES),
    ("vision_start_token_id", IMAGES),
    ("language_model_only", IMAGES),
];

const TRAINING: &str = "of training";
const CODE: &str = "of the program that runs the model";
const NO_CODE: &str = "no code of the model's publisher reads it";
const FLASH_HEAD: &str = "of a head that finds large logits without reading all of it, which is not read";
const IMAGES: &str = "of images, which are not read";
const GUESSES: &str = "of blocks that guess tokens, which are not read";
const HEADS: &str = "of other heads than that of a language model";

/// Entries within `rope_scaling` and `rope_parameters` that are read.
const READ_OF_ROPE: [&str; 17] = [
    "alpha",
    "attention_factor",
    "beta_fast",
    "beta_slow",
    "factor",
    "high_freq_factor",
    "long_factor",
    "low_freq_factor",
    "mscale",
    "mscale_all_dim",
    "original_max_position_embeddings",
    "partial_rotary_factor",
    "rope_theta",
    "rope_type",
    "short_factor",
    "truncate",
    "type",
];

/// Entries within `rope_scaling` and `rope_parameters` that change nothing, and why.
const IGNORED_OF_ROPE: [(&str, &str); 3] = [
    ("finetuned", "says how the model was trained"),
    ("mrope_interleaved", "of images: text has one position for all sections"),
    ("mrope_section", "of images: text has one position for all sections"),
];

/// Objects within `rope_parameters` of models whose layers differ.
const KINDS_OF_LAYERS: [&str; 2] = ["full_attention", "sliding_attention"];

/// Entries within `quantization_config` that are read.
const READ_OF_QUANTIZATION: [&str; 6] =
    ["linear_class", "modules_to_not_convert", "quant_method", "quantization_mode", "rms_norm_eps", "use_rms_norm"];

/// Entries within `quantization_config` that change nothing, and why.
const IGNORED_OF_QUANTIZATION: [(&str, &str); 0] = [];

/// Whether nothing reads this key of a GGUF file, given without the name of the architecture.
pub(super) fn is_unread_of_gguf(key: &str) -> bool {
    is_unread(key, &READ_OF_GGUF, &IGNORED_OF_GGUF)
}

/// Whether nothing reads this entry of a `config.json`; one within an object is given as `object.entry`.
pub(super) fn is_unread_of_hf(key: &str) -> bool {
    let (entry, inner) = key.split_once('.').unwrap_or((key, ""));
    match entry {
        "rope_scaling" | "rope_parameters" => {
            // One object for each kind of layer, where there are several kinds.
            let of_kind = KINDS_OF_LAYERS.iter().find_map(|kind| inner.strip_prefix(kind)?.strip_prefix('.'));
            !inner.is_empty() && is_unread(of_kind.unwrap_or(inner), &READ_OF_ROPE, &IGNORED_OF_ROPE)
        }
        "quantization_config" => !inner.is_empty() && is_unread(inner, &READ_OF_QUANTIZATION, &IGNORED_OF_QUANTIZATION),
        entry => is_unread(entry, &READ_OF_HF, &IGNORED_OF_HF),
    }
}

fn is_unread(key: &str, read: &[&str], ignored: &[(&str, &str)]) -> bool {
    !read.contains(&key) && ignored.iter().all(|(known, _)| *known != key)
}
