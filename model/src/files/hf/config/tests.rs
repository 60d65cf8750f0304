//! What a `config.json` of Qwen says, and what is refused of it.

use super::*;
use crate::description::{LongRope, QkNorm};
use serde_json::json;

/// The entries that matter of Qwen3-0.6B's file, with YaRN as its page recommends it.
fn qwen3() -> Value {
    json!({
        "architectures": ["Qwen3ForCausalLM"], "attention_bias": false, "head_dim": 128, "hidden_act": "silu",
        "hidden_size": 1024, "intermediate_size": 3072, "layer_types": ["full_attention", "full_attention"],
        "max_position_embeddings": 131072, "max_window_layers": 28, "num_attention_heads": 16,
        "num_hidden_layers": 2, "num_key_value_heads": 8, "rms_norm_eps": 1e-06, "rope_theta": 1000000,
        "rope_scaling": { "rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 32768 },
        "sliding_window": null, "tie_word_embeddings": true, "use_sliding_window": false, "vocab_size": 151936
    })
}

/// The file with an entry replaced, or taken out where it is null.
fn with(mut file: Value, path: &str, value: Value) -> Result<Config, String> {
    let (inside, key) = path.rsplit_once('/').expect("a path");
    file.pointer_mut(inside).expect("an object")[key] = value;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("config.json");
    std::fs::write(&path, file.to_string()).unwrap();
    read(&Object::open(&path).unwrap(), 2, false).map_err(|error| error.to_string())
}

#[test]
fn qwen3_is_described() {
    let config = with(qwen3(), "/use_cache", true.into()).unwrap();
    assert_eq!((config.architecture, config.graph().qk_norm), (Architecture::Qwen3, Some(QkNorm::BeforeRope)));
    assert_eq!(
        config.dims,
        Dims::new(Sizes {
            vocab: 151_936,
            hidden: 1024,
            ffn: 3072,
            heads: 16,
            kv_heads: 8,
            head_dim: 128,
            attention_layers: 2
        })
        .unwrap()
    );
    let yarn = Yarn { factor: 4.0, original_context: 32_768, attention_factor: 1.0, beta_fast: 32.0, beta_slow: 1.0 };
    assert_eq!((config.rope.base, config.rope.scaling), (1e6, RopeScaling::Yarn(yarn)));
    assert_eq!(config.rope.pairing, config.graph().rope_pairing, "conversion leaves the rows where they are");
    assert_eq!(with(qwen3(), "/head_dim", Value::Null).unwrap().dims.head_dim, 128, "what transformers makes up");
    let whole = with(qwen3(), "/rope_scaling/attention_factor", 1.5.into()).unwrap();
    assert!((whole.rope.multiplier() - 1.5).abs() < 1e-6);
}

#[test]
fn the_older_entry_for_rope_stands_above_the_newer_one() {
    let mut both = qwen3();
    both["rope_parameters"] = json!({ "rope_type": "linear", "factor": 2.0, "rope_theta": 5e5 });
    let config = with(both.clone(), "/head_dim", 128.into()).unwrap();
    assert!(matches!(config.rope.scaling, RopeScaling::Yarn(_)), "{:?}", config.rope.scaling);
    assert_eq!(config.rope.base, 1e6);
    both["rope_scaling"] = json!({});
    let config = with(both, "/head_dim", 128.into()).unwrap();
    assert_eq!((config.rope.scaling, config.rope.base), (RopeScaling::Linear { factor: 2.0 }, 5e5));
}

#[test]
fn a_word_of_python_is_refused_where_a_number_is_read_and_nowhere_else() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("config.json");
    let written = |text: String| {
        std::fs::write(&path, text).unwrap();
        read(&Object::open(&path).unwrap(), 2, false).map_err(|error| error.to_string())
    };
    let text = qwen3().to_string();
    written(text.replacen('{', r#"{"unread": [NaN, -Infinity],"#, 1)).unwrap();
    let refused = written(text.replace("1e-6", "Infinity")).unwrap_err();
    assert!(refused.contains("`rms_norm_eps` is \"Infinity\", expected a positive number"), "{refused}");
}

#[test]
fn qwen2_has_biases_without_saying_so() {
    let mut file = qwen3();
    file["architectures"] = json!(["Qwen2ForCausalLM"]);
    file["sliding_window"] = 32768.into();
    let config = with(file, "/head_dim", Value::Null).unwrap();
    assert_eq!((config.architecture, config.graph().biases), (Architecture::Qwen2, Biases::QueryKeyValue));
    assert_eq!(config.dims.head_dim, 64);
}

#[test]
fn what_is_not_computed_is_refused() {
    let cases = [
        ("/use_sliding_window", true.into(), "key `use_sliding_window` is true: this changes"),
        ("/layer_types", json!(["sliding_attention"]), "key `layer_types` is \"sliding_attention\": this changes"),
        ("/attention_bias", true.into(), "key `attention_bias` is true: this changes"),
        ("/rope_scaling/truncate", false.into(), "key `rope_scaling.truncate` is false: this changes"),
        ("/rope_scaling/mscale", 1.0.into(), "key `rope_scaling.mscale` is 1.0: this changes"),
        ("/rope_theta", 1e-45.into(), "key `rope_theta` is"),
        ("/rope_theta", 0.5.into(), "key `rope_theta` is 0.5, expected at least 1"),
        ("/rope_scaling/factor", 0.5.into(), "key `rope_scaling.factor` is 0.5, expected at least 1"),
        ("/rope_scaling/original_max_position_embeddings", Value::Null, "as `rope_scaling.original_max_position"),
        ("/rope_scaling/rope_type", "dynamic".into(), "expected `default`, `linear`, `llama3`, `yarn` or `longrope`"),
    ];
    for (path, value, expected) in cases {
        let refused = with(qwen3(), path, value).unwrap_err();
        assert!(refused.contains(expected), "{refused}");
    }
    let mut windowed = qwen3();
    windowed["use_sliding_window"] = Value::Null;
    let refused = with(windowed, "/sliding_window", 64.into()).unwrap_err();
    assert!(refused.contains("key `sliding_window` is 64: this changes"), "{refused}");
}

/// The entries that matter of MiniCPM4-8B's file.
fn minicpm() -> Value {
    json!({
        "architectures": ["MiniCPMForCausalLM"], "hidden_act": "silu", "hidden_size": 64, "intermediate_size": 96,
        "max_position_embeddings": 32768, "num_attention_heads": 4, "num_hidden_layers": 2, "num_key_value_heads": 2,
        "rms_norm_eps": 1e-6, "rope_theta": 10000.0, "scale_depth": 1.4, "scale_emb": 12, "dim_model_base": 16,
        "rope_scaling": { "rope_type": "longrope", "long_factor": [1.0, 1.5], "short_factor": [1.0, 1.25],
            "original_max_position_embeddings": 32768 }, "vocab_size": 90
    })
}

#[test]
fn minicpm_is_described() {
    let config = with(minicpm(), "/use_cache", true.into()).unwrap();
    assert_eq!((config.scales.embedding, config.scales.logits), (12.0, 4.0));
    assert!((config.scales.residual - 1.4 / 2f32.sqrt()).abs() < 1e-7);
    let within = RopeScaling::LongRope(LongRope { original_context: 32_768, multiplier: 1.0 });
    assert_eq!(config.rope.scaling, within);
    let longer = with(minicpm(), "/max_position_embeddings", 131_072.into()).unwrap();
    // sqrt(1 + ln 4 / ln 32768).
    assert!((longer.rope.multiplier() - 1.064_581_3).abs() < 1e-6, "{}", longer.rope.multiplier());
    for (path, value, expected) in [
        ("/scale_emb", Value::Null, "scale_emb"),
        ("/scale_depth", 0.into(), "`scale_depth` is 0, expected a positive number"),
        ("/dim_model_base", "many".into(), "dim_model_base"),
        ("/rope_scaling/long_factor", Value::Null, "`rope_scaling.long_factor` is missing, expected a list"),
        (
            "/rope_scaling/short_factor",
            json!([1.0, -1.0]),
            "`rope_scaling.short_factor` is [1.0,-1.0], expected a list",
        ),
    ] {
        let refused = with(minicpm(), path, value).unwrap_err();
        assert!(refused.contains(expected), "{refused}");
    }
}
