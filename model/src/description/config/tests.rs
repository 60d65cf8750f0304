//! Architectures and RoPE scaling are read from the keys that are written of them, and other arithmetic is refused.

use super::*;
use crate::Synthetic;
use crate::description::{LongRope, RopeScaling, SlidingOrder, Yarn};
use crate::{Projection, Role};
use trine_loader::{GgufWriter, StringArray, Value};
use trine_shapes::{ExpertCounts, Recurrent};

const YARN: Yarn =
    Yarn { factor: 4.0, original_context: 16_384, attention_factor: 1.0, beta_fast: 32.0, beta_slow: 1.0 };

/// A small model of Qwen3, whose queries are wider than its residual stream.
fn qwen3(scaling: RopeScaling) -> Synthetic {
    let dims = Dims {
        vocab: 40,
        hidden: 128,
        ffn: 256,
        kv_heads: 2,
        group: 2,
        head_dim: 64,
        attention_layers: 1,
        recurrent: Recurrent::NONE,
        experts: ExpertCounts::NONE,
    };
    let mut synthetic = Synthetic::with_dims(dims, 65_536);
    let config = &mut synthetic.config;
    config.architecture = Architecture::Qwen3;
    config.rope = RopeConfig { base: 1e6, rotated: 64, scaling, pairing: config.graph().rope_pairing };
    synthetic
}

/// The file with some keys of the architecture replaced, or taken out.
fn with(synthetic: &Synthetic, keys: &[(&str, Option<Value>)]) -> Result<Config, String> {
    with_file(&synthetic.gguf().unwrap(), synthetic.config.architecture, keys)
}

/// The same of a file that is made once.
fn with_file(file: &Gguf, architecture: Architecture, keys: &[(&str, Option<Value>)]) -> Result<Config, String> {
    let keys: Vec<_> = keys.iter().map(|(key, value)| (format!("{architecture}.{key}"), value)).collect();
    let is_kept = |key: &str| keys.iter().all(|(own, _)| own != key);
    let kept = file.metadata().iter().filter(|(key, _)| is_kept(key));
    let kept = kept.map(|(key, value)| (key.to_owned(), value.clone()));
    let given = keys.iter().filter_map(|(key, value)| Some((key.clone(), (*value).clone()?)));
    of_entries("changed.gguf", file, kept.chain(given))
}

/// The configuration of a file that has the tensors of another one, and these entries.
fn of_entries(name: &str, file: &Gguf, entries: impl Iterator<Item = (String, Value)>) -> Result<Config, String> {
    let mut writer = GgufWriter::new();
    for (key, value) in entries {
        writer.set(key, value).unwrap();
    }
    for tensor in file.tensors() {
        writer.tensor(&tensor.name, &tensor.ne.row_major(), tensor.kind, file.bytes(tensor)).unwrap();
    }
    let mut bytes = Vec::new();
    writer.write_to(&mut bytes).unwrap();
    let file = Gguf::from_bytes(name, bytes.into()).unwrap();
    Config::from_gguf(&file).map_err(|error| error.to_string())
}

#[test]
fn a_configuration_is_read_from_the_keys_that_are_written_of_it() {
    let unusual = Yarn { factor: 2.5, attention_factor: 1.25, beta_fast: 24.0, beta_slow: 2.0, ..YARN };
    for scaling in [RopeScaling::None, RopeScaling::Linear { factor: 3.0 }, RopeScaling::Yarn(YARN)] {
        let synthetic = qwen3(scaling);
        assert_eq!(with(&synthetic, &[]).unwrap(), synthetic.config);
    }
    // Divisors of LongRoPE are tensors, which reading the keys does not ask for.
    let long = RopeScaling::LongRope(LongRope { original_context: 4096, multiplier: 1.25 });
    let synthetic = qwen3(long);
    assert_eq!(with(&synthetic, &[]).unwrap(), synthetic.config);
    let mut synthetic = qwen3(RopeScaling::None);
    synthetic.config.architecture = Architecture::MiniCpm;
    synthetic.config.rope.pairing = synthetic.config.graph().rope_pairing;
    synthetic.config.scales = Scales { embedding: 3.0, residual: 0.25, logits: 1.5 };
    assert_eq!(with(&synthetic, &[]).unwrap(), synthetic.config);
    let synthetic = qwen3(RopeScaling::Yarn(unusual));
    assert_eq!(with(&synthetic, &[]).unwrap(), synthetic.config);
    let keys = qwen3(RopeScaling::Yarn(YARN)).config.to_metadata();
    let keys: Vec<_> = keys.iter().filter_map(|(key, _)| key.strip_prefix("qwen3.rope.scaling.")).collect();
    assert_eq!(keys, ["type", "factor", "original_context_length"], "what is usual is not written");
}

#[test]
fn heads_are_as_wide_as_the_key_says() {
    let synthetic = qwen3(RopeScaling::None);
    let absent = [("attention.key_length", None), ("attention.value_length", None), ("rope.dimension_count", None)];
    let config = with(&synthetic, &absent).unwrap();
    assert_eq!((synthetic.config.dims.head_dim, config.dims.head_dim, config.rope.rotated), (64, 32, 32));
}

#[test]
fn heads_rotate_as_far_as_the_key_says() {
    let synthetic = qwen3(RopeScaling::None);
    let rotated = |count| with(&synthetic, &[("rope.dimension_count", Some(Value::U32(count)))]);
    assert_eq!(rotated(32).unwrap().rope.rotated, 32);
    for count in [33, 66] {
        let refused = rotated(count).unwrap_err();
        assert!(refused.contains("expected an even number up to 64"), "{refused}");
    }
}

#[test]
fn a_list_of_equal_numbers_is_one_number() {
    let synthetic = qwen3(RopeScaling::None);
    let with = |key, list| with(&synthetic, &[(key, Some(list))]);
    assert_eq!(with("attention.head_count_kv", vec![2_u32; 1].into()).unwrap(), synthetic.config);
    assert_eq!(with("attention.head_count", vec![4_i32; 3].into()).unwrap(), synthetic.config);
    for (list, expected) in [
        (vec![2_u32, 2, 1], "`qwen3.attention.head_count_kv` is 2 for block 0 and 1 for block 2, expected one number"),
        (Vec::new(), "`qwen3.attention.head_count_kv` is an empty list, expected a number"),
        (vec![0], "`qwen3.attention.head_count_kv` is 0, expected at least 1"),
    ] {
        let refused = with("attention.head_count_kv", list.into()).unwrap_err();
        assert!(refused.contains(expected), "{refused}");
    }
}

#[test]
fn a_rotation_that_is_not_computed_is_refused() {
    for (scaling, key, found, expected) in [
        (RopeScaling::None, "rope.scaling.attn_factor", 0.5, "attn_factor` is 0.5: this changes the arithmetic"),
        (RopeScaling::Linear { factor: 2.0 }, "rope.scaling.attn_factor", 2.0, "attn_factor` is 2: this changes"),
        (RopeScaling::None, "rope.freq_base", 1e-45, "expected at least 1"),
    ] {
        let refused = with(&qwen3(scaling), &[(key, Some(Value::F32(found)))]).unwrap_err();
        assert!(refused.contains(expected), "{refused}");
    }
}

#[test]
fn a_yarn_that_is_not_computed_is_refused() {
    let number = |number| Some(Value::F32(number));
    let cases: [(&str, Option<Value>, &str); 10] = [
        ("yarn_ext_factor", number(0.5), "`qwen3.rope.scaling.yarn_ext_factor` is 0.5: this changes the arithmetic"),
        ("yarn_log_multiplier", number(0.1), "`qwen3.rope.scaling.yarn_log_multiplier` is 0.1: this changes"),
        ("yarn_attn_factor", number(1.25), "`qwen3.rope.scaling.yarn_attn_factor` is 1.25: this changes"),
        ("yarn_attn_factor", number(f32::NAN), "`qwen3.rope.scaling.yarn_attn_factor` is NaN: this changes"),
        ("factor", None, "qwen3.rope.scaling.factor"),
        ("factor", number(0.5), "`qwen3.rope.scaling.factor` is 0.5, expected at least 1"),
        ("original_context_length", None, "qwen3.rope.scaling.original_context_length"),
        ("original_context_length", Some(Value::U32(0)), "is 0, expected at least 1"),
        ("attn_factor", number(-1.0), "`qwen3.rope.scaling.attn_factor` is -1, expected a positive number"),
        ("type", Some("dynamic".into()), "`qwen3.rope.scaling.type` is dynamic: this changes the arithmetic"),
    ];
    let synthetic = qwen3(RopeScaling::Yarn(YARN));
    for (key, value, expected) in cases {
        let refused = with(&synthetic, &[(&format!("rope.scaling.{key}"), value)]).unwrap_err();
        assert!(refused.starts_with("changed.gguf: ") && refused.contains(expected), "{refused}");
    }
    let usual = [
        ("rope.scaling.yarn_ext_factor", number(1.0)),
        ("rope.scaling.yarn_log_multiplier", number(0.0)),
        // 1 + 0.1 ln 4.
        ("rope.scaling.yarn_attn_factor", number(1.138_629_4)),
    ];
    assert_eq!(with(&synthetic, &usual).unwrap(), synthetic.config);
}

/// What scales, and what LongRoPE needs, is a number that makes sense.
#[test]
fn scales_and_long_rope_that_make_no_sense_are_named() {
    let mut synthetic = qwen3(RopeScaling::LongRope(LongRope { original_context: 4096, multiplier: 1.25 }));
    synthetic.config.architecture = Architecture::MiniCpm;
    let number = |number| Some(Value::F32(number));
    let cases = [
        ("embedding_scale", number(0.0), "`minicpm.embedding_scale` is 0, expected a positive number"),
        ("residual_scale", number(-1.0), "`minicpm.residual_scale` is -1, expected a positive number"),
        ("logit_scale", number(f32::NAN), "`minicpm.logit_scale` is NaN, expected a positive number"),
        ("logit_scale", number(f32::INFINITY), "`minicpm.logit_scale` is inf, expected a positive number"),
        ("attention.scale", number(0.5), "`minicpm.attention.scale` is 0.5: this changes the arithmetic"),
        ("rope.scaling.factor", number(4.0), "`minicpm.rope.scaling.factor` is 4: this changes the arithmetic"),
        ("rope.scaling.attn_factor", number(0.0), "`minicpm.rope.scaling.attn_factor` is 0, expected a positive"),
        ("rope.scaling.original_context_length", Some(Value::U32(0)), "is 0, expected at least 1"),
    ];
    for (key, value, expected) in cases {
        let refused = with(&synthetic, &[(key, value)]).unwrap_err();
        assert!(refused.starts_with("changed.gguf: ") && refused.contains(expected), "{key}: {refused}");
    }
}

/// Windows, the base of their layers, an alpha and a pooling that make no sense are named, and 0 is none.
#[test]
fn windows_and_poolings_that_make_no_sense_are_named() {
    let order = SlidingOrder::GlobalEvery(Sliding::USUAL_INTERVAL);
    let mut gemma = Synthetic { tied: true, ..qwen3(RopeScaling::None) }.with_architecture(Architecture::Gemma3);
    let window = std::num::NonZeroUsize::new(24).unwrap();
    gemma.config.sliding = Some(Sliding { window, order, base: 2e4 });
    gemma.config.pooling = Some(Pooling::Mean);
    assert_eq!(with(&gemma, &[]).unwrap(), gemma.config);
    let count = |count: u32| Some(Value::U32(count));
    let none = with(&gemma, &[("attention.sliding_window", count(0)), ("pooling_type", count(0))]).unwrap();
    assert_eq!((none.sliding, none.pooling), (None, None));
    let listed = with(&gemma, &[("attention.sliding_window_pattern", Some(Value::from(vec![true])))]).unwrap();
    assert_eq!(listed.sliding.unwrap().order, SlidingOrder::Listed(vec![true]));
    let hunyuan = qwen3(RopeScaling::None).with_architecture(Architecture::HunYuan);
    let alpha = |alpha: f32| with(&hunyuan, &[("rope.scaling.alpha", Some(Value::F32(alpha)))]);
    assert_eq!(alpha(0.0).unwrap(), hunyuan.config);
    // The published base: 10000 * 1000^(128/126), for heads of 128.
    assert!((with_alpha(1e4, 1000.0, 128) / 11_158_840.0 - 1.0).abs() < 1e-6);
    let of_window = [
        ("attention.sliding_window_pattern", count(0), "is 0, expected at least 1"),
        ("attention.sliding_window_pattern", Some(Value::from(vec![true; 3])), "is a list of 3, expected one entry"),
        ("rope.freq_base_swa", Some(Value::F32(0.5)), "`gemma3.rope.freq_base_swa` is 0.5, expected at least 1"),
        ("rope.freq_base_swa", Some(Value::F32(f32::NAN)), "is NaN, expected a positive number"),
        ("final_logit_softcapping", Some(Value::F32(30.0)), "is 30: this changes the arithmetic"),
        ("pooling_type", count(2), "`gemma3.pooling_type` is 2, expected 0 (none), 1 (mean) or 3 (last token)"),
    ];
    for (key, value, expected) in of_window {
        let refused = with(&gemma, &[(key, value)]).unwrap_err();
        assert!(refused.contains(expected), "{key}: {refused}");
    }
    for wrong in [-1.0, f32::NAN, f32::INFINITY] {
        let refused = alpha(wrong).unwrap_err();
        assert!(refused.contains("`hunyuan-dense.rope.scaling.alpha` is"), "{refused}");
    }
}

/// Whatever the graph: what no graph here computes is refused by its name, and 0 switches it off.
#[test]
fn what_scales_or_caps_is_refused_by_name() {
    let synthetic = qwen3(RopeScaling::None);
    for key in SCALES {
        let refused = with(&synthetic, &[(key, Some(Value::F32(30.0)))]).unwrap_err();
        let expected =
            format!("changed.gguf: key `qwen3.{key}` is 30: this changes the arithmetic and is not supported");
        assert_eq!(refused, expected);
        assert_eq!(with(&synthetic, &[(key, Some(Value::F32(0.0)))]).unwrap(), synthetic.config);
    }
    for key in COUNTS {
        let refused = with(&synthetic, &[(key, Some(Value::U32(8)))]).unwrap_err();
        assert!(refused.contains(&format!("key `qwen3.{key}` is 8: this changes the arithmetic")), "{refused}");
        assert_eq!(with(&synthetic, &[(key, Some(Value::U32(0)))]).unwrap(), synthetic.config);
    }
}

/// What the keys of hybrid models say must agree with itself.
#[test]
fn contradictions_of_hybrid_models_are_named() {
    let synthetic = Synthetic::tiny_hybrid();
    let count = |count: u32| Some(Value::U32(count));
    let sections = |sections: [i32; 4]| Some(Value::from(sections.to_vec()));
    let listed = |recurrent: Vec<bool>| Some(Value::from(recurrent));
    let cases = [
        ("ssm.inner_size", count(255), "`qwen35.ssm.inner_size` is 255, expected 4 heads (`ssm.time_step_rank`) of 64"),
        ("ssm.group_count", count(3), "4 heads of values do not group over 3 heads of keys"),
        ("ssm.group_count", count(0), "`qwen35.ssm.group_count` is 0, expected at least 1"),
        ("ssm.time_step_rank", count(u32::MAX), "ssm.inner_size"),
        ("ssm.conv_kernel", None, "qwen35.ssm.conv_kernel"),
        ("ssm.conv_kernel", count(1 << 31), "`convolution taps` is 2147483648"),
        ("ssm.conv_kernel", count(1 << 30), "`heads of values` is 4"),
        ("full_attention_interval", count(9), "expected a block with attention"),
        ("full_attention_interval", count(0), "`qwen35.full_attention_interval` is 0, expected at least 1"),
        ("nextn_predict_layers", count(8), "`qwen35.nextn_predict_layers` is 8, expected less than 8"),
        ("attention.recurrent_layers", listed(vec![true; 8]), "expected a block with attention"),
        ("attention.recurrent_layers", listed(vec![false; 3]), "is a list of 3, expected one entry for each of 8"),
        ("attention.recurrent_layers", count(8), "is no list of truths"),
        ("rope.dimension_sections", sections([4, 2, 2, 0]), "`qwen35.rope.dimension_sections` is [4, 2, 2, 0]"),
        ("rope.dimension_sections", sections([0, 0, 0, 0]), "is [0, 0, 0, 0]"),
        ("rope.dimension_sections", sections([-6, 5, 5, 0]), "is [-6, 5, 5, 0]"),
    ];
    let file = synthetic.gguf().unwrap();
    for (key, value, expected) in cases {
        let refused = with_file(&file, Architecture::Qwen35, &[(key, value)]).unwrap_err();
        assert!(refused.starts_with("changed.gguf: ") && refused.contains(expected), "{key}: {refused}");
    }
    let trunk = with(&synthetic, &[("nextn_predict_layers", count(1))]).unwrap();
    assert_eq!((trunk.dims.attention_layers, trunk.dims.recurrent.layers, trunk.layers.skipped), (1, 6, 1));
    assert_eq!(with(&synthetic, &[("rope.dimension_sections", None)]).unwrap(), synthetic.config);
}

/// What the keys of experts leave out has its usual value, and what they say is kept.
#[test]
fn keys_of_experts_are_read() {
    let synthetic = Synthetic::tiny_mixture();
    let file = synthetic.gguf().unwrap();
    let of = |keys: &[(&str, Option<Value>)]| with_file(&file, Architecture::Maple, keys).unwrap();
    let config = of(&[]);
    assert_eq!(config, synthetic.config);
    assert_eq!((config.dims.experts, config.dims.ffn), (ExpertCounts { count: 7, used: 3 }, 256));
    // One limit for all blocks, and limits that are none.
    let one = of(&[("swiglu_clamp_exp", Some(Value::F32(2.5)))]);
    assert_eq!((0..4).map(|block| one.gate_limit(block)).collect::<Vec<_>>(), [Some(2.5); 4]);
    let some = of(&[("swiglu_clamp_exp", Some(Value::from(vec![0.0_f32, 1e-6, 7.0, 0.5])))]);
    assert_eq!([0, 1, 2, 3, 4].map(|block| some.gate_limit(block)), [None, None, Some(7.0), Some(0.5), None]);
    // Layers with a window turn as the others would.
    let base = of(&[("rope.freq_base_swa", None), ("rope.freq_base", Some(Value::F32(3e4)))]);
    assert_eq!((base.rope.base, base.sliding.unwrap().base), (3e4, 3e4));
    let usual = [("expert_gating_func", Value::U32(1)), ("expert_group_count", Value::U32(1))];
    let usual = usual.into_iter().chain([("expert_weights_norm", true.into()), ("expert_shared_count", Value::U32(0))]);
    for (key, value) in usual.chain([("feed_forward_length", Value::U32(9)), ("expert_weights_scale", 1.0f32.into())]) {
        assert_eq!(of(&[(key, Some(value))]), synthetic.config, "{key}");
    }
    let used = Some(Value::from(vec![3_u32; 4]));
    assert_eq!(of(&[("expert_used_count", used)]), synthetic.config);
}

/// A hybrid file without folded matrices.
fn hybrid() -> Gguf {
    Synthetic { tied: false, ..Synthetic::tiny_hybrid() }.gguf().unwrap()
}

/// A hybrid file with the keys of folding, some of them replaced or taken out.
fn folded(file: &Gguf, keys: &[(&str, Option<Value>)]) -> Result<Config, String> {
    let names = ["blk.0.attn_qkv.weight", "blk.3.attn_output.weight", "output.weight"];
    let signs: Vec<i32> = (0..384 + 768).map(|i| if i % 3 == 0 { -1 } else { 1 }).collect();
    let mut given: Vec<(&str, Value)> = vec![
        ("version", Value::U32(1)),
        ("block_size", Value::U32(128)),
        ("transform", "normalized-sylvester-walsh-hadamard".into()),
        ("axis", "input-last-dimension".into()),
        ("sign_mode", "explicit".into()),
        ("sign_widths", vec![384_i32, 768].into()),
        ("sign_values", signs.into()),
        ("weight_names", StringArray::from_iter(names).into()),
        ("inverse_weight_names", StringArray::from_iter(["token_embd.weight"]).into()),
        ("gdn_v_grouped", true.into()),
    ];
    given.retain(|(key, _)| keys.iter().all(|(own, _)| own != key));
    given.extend(keys.iter().filter_map(|(key, value)| Some((*key, value.clone()?))));
    let given = given.into_iter().map(|(key, value)| (format!("prism.hadamard.{key}"), value));
    let of_file = file.metadata().iter().map(|(key, value)| (key.to_owned(), value.clone()));
    of_entries("folded.gguf", file, of_file.chain(given))
}

#[test]
fn folded_matrices_are_those_that_the_keys_name() {
    let file = hybrid();
    let folding = folded(&file, &[]).unwrap().folding.unwrap();
    assert_eq!((folding.block, folding.embedding, folding.grouped, folding.roles.len()), (128, true, true, 3));
    assert!(folding.folds(Role::Output) && folding.folds(Role::Matrix(3, Projection::AttnOutput)));
    assert!(!folding.folds(Role::Matrix(3, Projection::Query)));
    assert_eq!(folding.signs(768).unwrap().len(), 768);
    assert!(Config::from_gguf(&file).unwrap().folding.is_none());
}

/// Whatever of the contract does not hold is refused by its key.
#[test]
fn contradictions_of_folded_matrices_are_named() {
    let names = |names: &[&str]| Some(Value::from(StringArray::from_iter(names)));
    let numbers = |numbers: &[i32]| Some(Value::from(numbers.to_vec()));
    let cases = [
        ("version", None, "version` is missing, expected 1 or 2"),
        ("version", Some(Value::U32(3)), "version` is 3, expected 1 or 2"),
        ("version", Some(Value::U32(2)), "tied_output` is missing, expected true, as version 2 says"),
        ("tied_output", Some(true.into()), "tied_output` is true, expected false, as version 1 says"),
        ("block_size", Some(Value::U32(96)), "block_size` is 96, expected a power of two"),
        ("block_size", Some(Value::U32(0)), "block_size` is 0, expected a power of two"),
        ("block_size", Some(Value::U32(256)), "sign_widths` is 384, expected multiples of the 256"),
        ("block_size", None, "prism.hadamard.block_size"),
        ("transform", Some("walsh".into()), "transform` is `walsh`, expected `normalized-sylvester"),
        ("axis", Some("output".into()), "axis` is `output`, expected `input-last-dimension`"),
        ("sign_mode", Some("random".into()), "sign_mode` is `random`, expected `identity` or `explicit`"),
        ("sign_mode", Some("identity".into()), "sign_widths` is [384, 768], expected none"),
        ("sign_widths", numbers(&[384]), "sign_values` is 1152 numbers, expected as many as the widths [384]"),
        ("sign_widths", numbers(&[384, 384, 384]), "sign_widths` is 384 twice"),
        ("sign_widths", numbers(&[1152]), "sign_widths` is [1152], expected"),
        ("sign_widths", numbers(&[-384]), "sign_widths` is -384, expected multiples"),
        ("sign_values", numbers(&[1; 1151]), "sign_values` is 1151 numbers"),
        ("sign_values", numbers(&[2; 1152]), "sign_values` is 2, expected 1 or -1"),
        ("weight_names", names(&["blk.0.attn_q.weight"]), "weight_names` is `blk.0.attn_q.weight`, expected names of"),
        ("weight_names", names(&["blk.0.ssm_alpha.weight"]), "expected matrices of blocks that may be folded"),
        ("weight_names", names(&["blk.0.attn_norm.weight"]), "expected matrices of blocks that may be folded"),
        ("weight_names", names(&["token_embd.weight"]), "expected matrices of blocks that may be folded"),
        ("weight_names", names(&["output.weight", "output.weight"]), "`output.weight` twice"),
        ("inverse_weight_names", names(&["output.weight"]), "inverse_weight_names` is `output.weight`"),
        ("weight_names", Some(Value::U32(1)), "weight_names` is no list of names"),
        ("rotation", Some(Value::U32(1)), "`prism.hadamard.rotation` is there, expected one of version"),
    ];
    let file = hybrid();
    for (key, value, expected) in cases {
        let refused = folded(&file, &[(key, value)]).unwrap_err();
        assert!(refused.starts_with("folded.gguf: ") && refused.contains(expected), "{key}: {refused}");
    }
    let both = folded(&file, &[("version", Some(Value::U32(2))), ("tied_output", Some(true.into()))]).unwrap_err();
    assert!(both.contains("tied_output` is true, expected false, as the file has `output.weight`"), "{both}");
}
