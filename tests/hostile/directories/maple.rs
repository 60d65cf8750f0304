//! Damaged directories of models with experts: words and scales of rows, tables of four bits, experts one by one, and
//! what `config.json` says of them.

use super::{CONFIG, Case, data_of, line, of, renamed, set};
use serde_json::{Value, json};

const WORDS: &str = "maple_rows/mlx";
const FLOATS: &str = "maple_rows/hf";

const UP: &str = "model.layers.1.mlp.switch_mlp.up_proj.weight";
const UP_SCALES: &str = "model.layers.1.mlp.switch_mlp.up_proj.row_alpha";
const QUERY_SCALES: &str = "model.layers.0.self_attn.q_proj.row_alpha";
const EXPERT: &str = "model.layers.1.mlp.experts.1.down_proj.weight";

pub(super) fn cases() -> Vec<Case> {
    [words(), tables(), experts(), entries(), rules()].into_iter().flatten().collect()
}

/// Codes of two bits and scales of rows.
fn words() -> Vec<Case> {
    let all = |name, says, tensor, change: fn(&mut [u8])| of(WORDS, data_of(name, says, tensor, change));
    let lines = |name, says, tensor, key, value| of(WORDS, line(name, says, tensor, key, value));
    let renamed = |name, says, from, to| of(WORDS, renamed(name, says, from, to));
    vec![
        // The third row of the second expert.
        all("code 3 of an expert", "up_proj.weight` at byte", UP, |data| data[(256 + 2) * 64] = 0b1100),
        all("a code 3 of an expert and where", "row 2 (byte 128 of the tensor): element 1 has code 3", UP, |data| {
            data[(256 + 2) * 64] = 0b1100;
        }),
        all(
            "a negative scale of a row",
            "up_proj.row_alpha` holds -1 for row 258, expected scales that are not negative",
            UP_SCALES,
            |data| data[2 * 258..][..2].copy_from_slice(&[0x80, 0xbf]),
        ),
        all("a scale of a row that is no number", "q_proj.row_alpha` at byte", QUERY_SCALES, |data| {
            data[6..8].copy_from_slice(&[0xc0, 0x7f]);
        }),
        all("an infinite scale of a row", "is inf", QUERY_SCALES, |data| data[6..8].copy_from_slice(&[0x80, 0x7f])),
        all("a scale of a row that f16 does not hold", "f16", QUERY_SCALES, |data| {
            data[6..8].copy_from_slice(&[0xd6, 0x33]);
        }),
        all("a scale of zero over codes", "the scale is 0 but element", QUERY_SCALES, |data| data[6..8].fill(0)),
        lines(
            "scales of too many rows",
            "up_proj.row_alpha` should be [Experts = 3, Ffn = 256] but is [256, 3]",
            UP_SCALES,
            "shape",
            json!([256, 3]),
        ),
        lines(
            "scales of all experts in a row",
            "up_proj.row_alpha` should be [Experts = 3, Ffn = 256] but is [768]",
            UP_SCALES,
            "shape",
            json!([768]),
        ),
        lines(
            "scales of rows that are integers",
            "scales of rows must not be quantized",
            UP_SCALES,
            "dtype",
            json!("I16"),
        ),
        lines(
            "words of another number of experts",
            "up_proj.weight` should be [Experts = 3, Ffn = 256, Hidden = 256] but is [4, 192, 256]",
            UP,
            "shape",
            json!([4, 192, 16]),
        ),
        renamed("words without scales of rows", "no role in architecture `maple`", UP_SCALES, "model.norm.row_alpha"),
        renamed(
            "words with nothing beside them",
            "up_proj.weight` holds words of codes alone, expected a tensor `row_alpha`, or tensors `scales`",
            UP_SCALES,
            "lm_head_flash.row_alpha",
        ),
    ]
}

/// An embedding and a head of four bits.
fn tables() -> Vec<Case> {
    let both = |groups: u32, bits: u32| {
        let inner = json!({ "group_size": groups, "bits": bits });
        let words = json!({ "group_size": 64, "bits": 4 });
        json!({ "group_size": 128, "bits": 2, "mode": "affine", "lm_head": inner, "model.word_embeddings": words })
    };
    // The copy is taken away, so that it does not differ.
    let said = |name, says, value: Value| {
        let case = set(name, says, CONFIG, "/quantization", value);
        let without = set("", "", CONFIG, "/quantization_config", Value::Null);
        let damage = move |folder: &std::path::Path| {
            (case.damage)(folder);
            (without.damage)(folder);
        };
        Case { name, says, base: WORDS, damage: Box::new(damage) }
    };
    vec![
        said("a head in groups of 32", "`quantization.lm_head` is 4 bits in groups of 32, expected", both(32, 4)),
        said("a head of three bits", "`quantization.lm_head` is 3 bits in groups of 64, expected", both(64, 3)),
        said("a head of other words", "`lm_head.weight` should be [Vocab = 271, Hidden = 256]", both(64, 2)),
        said(
            "words of a module that is none",
            "`quantization.lm_tail` is",
            json!({ "group_size": 128, "bits": 2, "lm_tail": { "group_size": 64, "bits": 4 } }),
        ),
        of(
            WORDS,
            line(
                "scales of other groups",
                "`lm_head.scales` holds numbers with dimensions [271, 2, 2], expected",
                "lm_head.scales",
                "shape",
                json!([271, 2, 2]),
            ),
        ),
        of(
            WORDS,
            data_of("a bias of four bits that is no number", "NaN", "lm_head.biases", |data| {
                data[..2].copy_from_slice(&[0xc0, 0x7f]);
            }),
        ),
        of(
            WORDS,
            renamed(
                "four bits without biases",
                "tensors have no role in architecture `maple`: `lm_head.scales`",
                "lm_head.biases",
                "lm_head_flash.biases",
            ),
        ),
    ]
}

/// Experts in tensors of their own.
fn experts() -> Vec<Case> {
    let renamed = |name, says, to| of(FLOATS, renamed(name, says, EXPERT, to));
    vec![
        renamed(
            "an expert is missing",
            "`num_experts` is 3, expected a tensor for each expert, but there is no `model.layers.1.mlp.experts.1.",
            "lm_head_flash.down_proj.weight",
        ),
        renamed(
            "an expert has another number",
            "but there is no `model.layers.1.mlp.experts.1.down_proj.weight`",
            "model.layers.1.mlp.experts.7.down_proj.weight",
        ),
        renamed(
            "an expert with a zero before it",
            "but there is no `model.layers.1.mlp.experts.1.down_proj.weight`",
            "model.layers.1.mlp.experts.01.down_proj.weight",
        ),
        renamed(
            "experts in one tensor and one by one",
            "but there is no `model.layers.1.mlp.experts.1.down_proj.weight`",
            "model.layers.1.mlp.experts.down_proj.weight",
        ),
        of(
            FLOATS,
            set(
                "more experts than are counted",
                "`num_experts` is 2, expected 3, because there is a tensor `model.layers.0.mlp.experts.2.",
                CONFIG,
                "/num_experts",
                json!(2),
            ),
        ),
        of(
            FLOATS,
            line(
                "an expert of another shape",
                "experts.1.down_proj.weight` should be [Hidden = 256, Ffn = 256] but is [128, 512]",
                EXPERT,
                "shape",
                json!([128, 512]),
            ),
        ),
        of(
            FLOATS,
            data_of("a weight of one expert that is no number", "NaN", EXPERT, |data| {
                data[1000..1002].copy_from_slice(&[0xc0, 0x7f]);
            }),
        ),
    ]
}

/// What `config.json` says.
fn entries() -> Vec<Case> {
    let entry = |name, says, key: &'static str, value| of(WORDS, set(name, says, CONFIG, key, value));
    vec![
        entry("no count of experts", "as `num_experts`, but there is no such entry", "/num_experts", Value::Null),
        entry("no experts", "`num_experts` is 0, expected a whole number of at least 1", "/num_experts", json!(0)),
        entry(
            "2^31 experts",
            "`num_experts` is 2147483648, expected at most 2147483647",
            "/num_experts",
            json!(1u64 << 31),
        ),
        entry(
            "more experts used than there are",
            "`num_experts_per_tok` is 4, expected at most 3, the number of experts",
            "/num_experts_per_tok",
            json!(4),
        ),
        entry("no width of experts", "as `moe_intermediate_size`, but", "/moe_intermediate_size", Value::Null),
        entry(
            "experts of another width",
            "should be [Experts = 3, Ffn = 512, Hidden",
            "/moe_intermediate_size",
            json!(512),
        ),
        entry("no window", "as `sliding_window`, but there is no such entry", "/sliding_window", Value::Null),
        entry(
            "no kinds of blocks",
            "`layer_types` is missing, expected one kind for each of 2",
            "/layer_types",
            Value::Null,
        ),
        entry("a kind for one block", "is a list of 1, expected", "/layer_types", json!(["full_attention"])),
        entry(
            "no part of a head that rotates",
            "`partial_rotary_factor` is missing, expected a part of a head of 64",
            "/partial_rotary_factor",
            Value::Null,
        ),
    ]
}

/// Entries of which one value is computed.
fn rules() -> Vec<Case> {
    let other = |name, says, key: &'static str, value| of(WORDS, set(name, says, CONFIG, key, value));
    vec![
        other("an expert of all tokens", "`num_shared_experts` is 1: this changes", "/num_shared_experts", json!(1)),
        other("blocks without experts", "`first_k_dense_replace` is 1: this", "/first_k_dense_replace", json!(1)),
        other("shares that do not add up", "`norm_topk_prob` is false: this", "/norm_topk_prob", json!(false)),
        other(
            "biases of scores",
            "`moe_router_enable_expert_bias` is true: this",
            "/moe_router_enable_expert_bias",
            json!(true),
        ),
        other("scores in bf16", "`router_dtype` is \"bf16\": this", "/router_dtype", json!("bf16")),
        other("biases of matrices", "`use_bias` is true: this", "/use_bias", json!(true)),
        other("no norms of heads", "`use_qk_norm` is false: this", "/use_qk_norm", json!(false)),
        other(
            "rotation in all blocks",
            "`nope_on_global_attention` is false: this",
            "/nope_on_global_attention",
            json!(false),
        ),
        other(
            "a scaled rotation",
            "`rope_scaling` is",
            "/rope_scaling",
            json!({ "rope_type": "linear", "factor": 2.0 }),
        ),
        other(
            "a rotation for each kind of block",
            "`sliding_attention` is",
            "/rope_parameters",
            json!({ "sliding_attention": { "rope_theta": 1e4 } }),
        ),
    ]
}
