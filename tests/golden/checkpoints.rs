//! Directories as HF transformers saves models: the logits of transformers for every form of a checkpoint, the ids of
//! HF tokenizers, and what is refused.

use crate::api::*;
use crate::support::{Reference, assert_close, cpu, fixture, logits_of, matrix_of, relative_error, with_model};
use std::path::{Path, PathBuf};

const TOLERANCE: f64 = 1e-5;

const MODELS: [&str; 12] = [
    "bitnet-packed",
    "bitnet-floats",
    "bitnet-online",
    "bitnet-1bitllm",
    "llama-packed",
    "llama-linear",
    "llama-llama3",
    "llama-biases",
    "llama-packed-biases",
    "llama-divided-biases",
    "llama-online",
    "llama-ternary",
];

/// Parts of the names of those whose matrices are ternary.
const TERNARY: [&str; 5] = ["bitnet", "packed", "divided", "online", "ternary"];

fn path(name: &str) -> PathBuf {
    fixture("checkpoints").join(name)
}

fn open(path: &Path) -> HfDirectory {
    HfDirectory::open(path, Access::Map).unwrap_or_else(|error| panic!("{error}"))
}

/// Loads what is there and returns the logits of the prompt of `name`.
fn logits(directory: &HfDirectory, name: &str) -> Vec<f32> {
    let ids = Reference::open("checkpoints/expected.safetensors").ids(&format!("{name}.ids"));
    with_model(directory, &LoadOptions::default(), |transformer| logits_of(&cpu(), transformer, &ids))
}

fn expected(name: &str) -> Vec<f32> {
    Reference::open("checkpoints/expected.safetensors").floats(&format!("{name}.logits"))
}

#[test]
fn every_form_gives_the_logits_of_transformers() {
    for name in MODELS {
        let found = logits(&open(&path(name)), name);
        assert_close(name, &found, &expected(name), TOLERANCE);
    }
}

#[test]
fn ternary_forms_run_as_ternary_matrices_of_widths_that_no_block_divides() {
    for name in MODELS {
        let directory = open(&path(name));
        with_model(&directory, &LoadOptions::default(), |transformer| {
            let down = matrix_of(transformer, 0, Projection::Down);
            assert_eq!(down.is_ternary(), TERNARY.iter().any(|part| name.contains(part)), "{name}");
            assert!(!down.rows().is_multiple_of(32) && !down.cols().is_multiple_of(32), "{name}");
            assert_eq!(transformer.config.rope.pairing, RopePairing::NeoX, "{name}");
        });
    }
}

/// A copy of a checkpoint that a test may change.
pub(super) fn copy(name: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    for entry in std::fs::read_dir(path(name)).expect("the checkpoint") {
        let entry = entry.expect("a file of the checkpoint");
        std::fs::copy(entry.path(), folder.path().join(entry.file_name())).expect("room for a copy");
    }
    folder
}

/// Changes `config.json` of a copy.
pub(super) fn edit_config(folder: &Path, change: impl FnOnce(&mut serde_json::Value)) {
    let file = folder.join("config.json");
    let mut config = serde_json::from_slice(&std::fs::read(&file).expect("config.json")).expect("JSON");
    change(&mut config);
    std::fs::write(file, config.to_string()).expect("a file of the copy");
}

/// Changes the tensors of a copy that has one file of them.
pub(super) fn edit_tensors(
    folder: &Path,
    change: impl Fn(&str, &mut safetensors::Dtype, &mut Vec<usize>, &mut Vec<u8>),
) {
    let file = folder.join("model.safetensors");
    let bytes = std::fs::read(&file).expect("model.safetensors");
    let tensors = safetensors::SafeTensors::deserialize(&bytes).expect("safetensors").tensors();
    let changed: Vec<_> = tensors
        .into_iter()
        .map(|(name, view)| {
            let (mut dtype, mut shape, mut data) = (view.dtype(), view.shape().to_vec(), view.data().to_vec());
            change(&name, &mut dtype, &mut shape, &mut data);
            (name, dtype, shape, data)
        })
        .collect();
    let views = changed.iter().map(|(name, dtype, shape, data)| {
        (name, safetensors::tensor::TensorView::new(*dtype, shape.clone(), data).expect("matching lengths"))
    });
    std::fs::write(file, safetensors::serialize(views, None).expect("safetensors")).expect("a file of the copy");
}

#[test]
fn the_two_meanings_of_a_scale_make_two_models() {
    let folder = copy("llama-packed");
    edit_config(folder.path(), |config| {
        config["quantization_config"]["linear_class"] = "autobitlinear".into();
        config["quantization_config"]["quantization_mode"] = "offline".into();
    });
    let found = logits(&open(folder.path()), "llama-packed");
    assert!(relative_error(&found, &expected("llama-packed")) > 0.1);
}

#[test]
fn codes_in_single_bytes_are_the_packed_ones() {
    let folder = copy("bitnet-packed");
    edit_tensors(folder.path(), |_, dtype, shape, data| {
        if *dtype == safetensors::Dtype::U8 {
            let unpacked =
                (0..4).flat_map(|field| data.iter().map(move |byte| (byte >> (2 * field) & 3).wrapping_sub(1)));
            *data = unpacked.collect();
            *dtype = safetensors::Dtype::I8;
            shape[0] *= 4;
        }
    });
    assert_close("int8", &logits(&open(folder.path()), "bitnet-packed"), &expected("bitnet-packed"), TOLERANCE);
}

#[test]
fn older_names_of_rope_entries_are_read() {
    let folder = copy("llama-linear");
    edit_config(folder.path(), |config| {
        let parameters = config.as_object_mut().expect("an object").remove("rope_parameters").expect("an entry");
        config["rope_theta"] = parameters["rope_theta"].clone();
        config["rope_scaling"] = serde_json::json!({ "type": "linear", "factor": parameters["factor"] });
    });
    assert_close("rope_scaling", &logits(&open(folder.path()), "llama-linear"), &expected("llama-linear"), TOLERANCE);
}

/// The error of opening and loading a directory.
fn error_of(folder: &Path) -> String {
    let directory = match HfDirectory::open(folder, Access::Map) {
        Ok(directory) => directory,
        Err(error) => return error.to_string(),
    };
    match directory.config() {
        Ok(config) => Dyn::scope(config.dims, |model| {
            load(model, &directory, &cpu(), &LoadOptions::default()).expect_err("it is wrong").to_string()
        }),
        Err(error) => error.to_string(),
    }
}

#[test]
fn what_is_not_supported_is_refused_by_name() {
    let set = |key: &'static str, value: serde_json::Value| {
        move |config: &mut serde_json::Value| match key.split_once('.') {
            Some((outer, inner)) => config[outer][inner] = value,
            None => config[key] = value,
        }
    };
    let cases: [(&str, serde_json::Value, &str); 16] = [
        ("architectures", serde_json::json!(["MistralForCausalLM"]), "`MistralForCausalLM`, expected one of `BitNet"),
        ("hidden_act", "gelu".into(), "`hidden_act` is \"gelu\", expected `silu`"),
        (
            "attention_bias",
            true.into(),
            "`attention_bias` is true, expected false, or a tensor `model.layers.0.self_attn",
        ),
        ("sliding_window", 64.into(), "`sliding_window` is 64"),
        ("num_hidden_layers", 7.into(), "`num_hidden_layers` is 7, expected 2"),
        ("num_hidden_layers", "two".into(), "`num_hidden_layers` is \"two\", expected a whole number"),
        ("hidden_size", serde_json::Value::Null, "as `hidden_size`, but there is no such entry"),
        ("hidden_size", 56.into(), "model.embed_tokens.weight"),
        ("num_key_value_heads", 3.into(), "4 heads do not group over 3 key/value heads"),
        ("max_position_embeddings", (1u32 << 31).into(), "`max_position_embeddings`"),
        ("tie_word_embeddings", true.into(), "differs from the embedding"),
        ("rope_parameters.rope_type", "dynamic".into(), "`rope_parameters.rope_type` is `dynamic`"),
        ("quantization_config.quant_method", "gptq".into(), "`quantization_config.quant_method` is \"gptq\""),
        ("quantization_config.linear_class", "linear".into(), "`quantization_config.linear_class` is \"linear\""),
        ("quantization_config.use_rms_norm", true.into(), "`quantization_config.use_rms_norm` is true"),
        ("quantization_config", serde_json::Value::Null, "tensors have no role"),
    ];
    for (key, value, expected) in cases {
        let folder = copy("llama-packed");
        edit_config(folder.path(), set(key, value));
        let error = error_of(folder.path());
        assert!(error.contains(expected) && error.contains(folder.path().to_str().unwrap()), "{key}: {error}");
        assert!(!error.contains('\n'), "{key}: {error}");
    }
}

#[test]
fn biases_are_where_the_configuration_has_them() {
    let cases = [
        ("llama-biases", "mlp_bias", false, "`mlp_bias` is false, expected true, because there is a tensor `model.l"),
        (
            "llama-packed-biases",
            "mlp_bias",
            true,
            "`mlp_bias` is true, expected false, or a tensor `model.layers.0.mlp",
        ),
        ("bitnet-packed", "attention_bias", true, "`attention_bias` is true: this changes the arithmetic"),
    ];
    for (name, key, value, expected) in cases {
        let folder = copy(name);
        edit_config(folder.path(), |config| config[key] = value.into());
        let error = error_of(folder.path());
        assert!(error.contains(expected) && error.contains("config.json"), "{name}: {error}");
    }
    // Without them it is another model.
    let folder = copy("llama-biases");
    edit_tensors(folder.path(), |name, _, _, data| {
        if name.ends_with(".bias") {
            data.fill(0);
        }
    });
    let error = relative_error(&logits(&open(folder.path()), "llama-biases"), &expected("llama-biases"));
    assert!(error > 0.1, "{error}");
}

#[test]
fn damaged_tensors_are_refused_by_name() {
    let matrix = "model.layers.1.mlp.down_proj.weight";
    let damaged: [(&str, &dyn Fn(&mut safetensors::Dtype, &mut Vec<usize>, &mut Vec<u8>), &str); 4] = [
        (
            "model.layers.1.mlp.down_proj.weight",
            &|_, _, data| data[5] = 0b0000_1100,
            "row 0 (byte 5 of the tensor): element 1 has code 3",
        ),
        ("model.layers.0.self_attn.q_proj.weight_scale", &|_, _, data| data.fill(0), "one scale, not zero"),
        ("model.norm.weight", &|_, _, data| data.fill(0), "gains that are not all zero"),
        ("lm_head.weight", &|dtype, _, _| *dtype = safetensors::Dtype::I16, "elements of type I16 are not weights"),
    ];
    for (name, damage, expected) in damaged {
        let folder = copy("llama-packed");
        edit_tensors(folder.path(), |found, dtype, shape, data| {
            if found == name {
                damage(dtype, shape, data);
            }
        });
        let error = error_of(folder.path());
        assert!(error.contains(expected) && error.contains(name), "{name}: {error}");
    }
    let folder = copy("bitnet-floats");
    edit_tensors(folder.path(), |name, _, _, data| {
        if name == matrix {
            data[1] = 0x40;
        }
    });
    let error = error_of(folder.path());
    assert!(error.contains(matrix) && error.contains("values -s, 0 and s"), "{error}");
}

#[test]
fn tokenizers_give_the_ids_of_hf_tokenizers() {
    let json = std::fs::read(path("tokenizers.json")).expect("the fixture");
    let json: serde_json::Value = serde_json::from_slice(&json).expect("JSON");
    for (name, expected) in json.as_object().expect("an object") {
        let directory = open(&path(name));
        let tokenizer = directory.tokenizer(&TokenizerOptions::default()).unwrap_or_else(|error| panic!("{error}"));
        for case in expected["texts"].as_array().expect("texts") {
            let text = case["text"].as_str().expect("a text");
            let ids: Vec<u64> =
                case["ids"].as_array().expect("ids").iter().filter_map(serde_json::Value::as_u64).collect();
            let found = tokenizer.encode(text, EncodeOptions::PROMPT).unwrap_or_else(|error| panic!("{error}"));
            assert_eq!(found.into_iter().map(u64::from).collect::<Vec<_>>(), ids, "{name}: {text:?}");
        }
        let template = directory.chat_template(&tokenizer).unwrap_or_else(|error| panic!("{error}"));
        let chat = template.render(&[Message::new("user", "Who are you?")], true).expect("a conversation");
        assert_eq!(Some(chat.as_str()), expected["chat"].as_str(), "{name}");
    }
}

/// Changes `tokenizer.json` of a copy.
fn edit_tokenizer(folder: &Path, change: impl FnOnce(&mut serde_json::Value)) {
    let file = folder.join("tokenizer.json");
    let mut json = serde_json::from_slice(&std::fs::read(&file).expect("tokenizer.json")).expect("JSON");
    change(&mut json);
    std::fs::write(file, json.to_string()).expect("a file of the copy");
}

#[test]
fn tokenizers_that_work_otherwise_are_refused_by_name() {
    let cases: [(&str, &str, serde_json::Value, &str); 7] = [
        ("bitnet-packed", "/model/type", "Unigram".into(), "`model.type` is"),
        ("bitnet-packed", "/model/continuing_subword_prefix", "##".into(), "`model.continuing_subword_prefix` is"),
        ("bitnet-packed", "/normalizer", serde_json::json!({ "type": "Lowercase" }), "`normalizer` is"),
        ("bitnet-packed", "/pre_tokenizer/pretokenizers/1/add_prefix_space", true.into(), "add_prefix_space` is true"),
        ("bitnet-packed", "/pre_tokenizer/pretokenizers/0/pattern/Regex", r"\w+".into(), "`pre_tokenizer` is"),
        ("bitnet-packed", "/model/vocab/a", 310.into(), "outside the vocabulary of 310 tokens"),
        ("llama-packed", "/normalizer/normalizers/1/content", "_".into(), "`normalizer` is"),
    ];
    for (name, pointer, value, expected) in cases {
        let folder = copy(name);
        edit_tokenizer(folder.path(), |json| *json.pointer_mut(pointer).expect(pointer) = value);
        let error = open(folder.path()).tokenizer(&TokenizerOptions::default()).expect_err(pointer).to_string();
        assert!(error.contains("tokenizer.json") && error.contains(expected), "{pointer}: {error}");
    }
}

#[test]
fn a_file_cannot_say_that_text_is_brought_to_nfc() {
    let folder = copy("bitnet-packed");
    let encode = || {
        let tokenizer = open(folder.path()).tokenizer(&TokenizerOptions::default()).unwrap_or_else(|e| panic!("{e}"));
        assert!(tokenizer.warnings().is_empty(), "{:?}", tokenizer.warnings());
        ["cafe\u{301}", "café"].map(|text| tokenizer.encode(text, EncodeOptions::PROMPT).expect("ids"))
    };
    let warnings = || open(folder.path()).description(&TokenizerOptions::default()).expect("a description").warnings;
    let [decomposed, composed] = encode();
    assert_ne!(decomposed, composed);
    assert!(warnings().is_empty());
    edit_tokenizer(folder.path(), |json| json["normalizer"] = serde_json::json!({ "type": "NFC" }));
    assert_eq!(encode(), [composed.clone(), composed]);
    assert!(matches!(warnings()[..], [Warning::NotInGguf { lost: NotInGguf::Nfc, .. }]), "{:?}", warnings());
}

#[test]
fn a_named_pre_tokenizer_replaces_one_that_is_unknown() {
    let folder = copy("bitnet-packed");
    let encode = |path: &Path, pre: Option<&str>| {
        let options = TokenizerOptions { pre: pre.map(str::to_owned) };
        let tokenizer = open(path).tokenizer(&options).unwrap_or_else(|error| panic!("{error}"));
        tokenizer.encode("It's 12345 o'clock", EncodeOptions::PROMPT).expect("ids")
    };
    edit_tokenizer(folder.path(), |json| json["pre_tokenizer"]["pretokenizers"][0]["behavior"] = "Removed".into());
    assert!(open(folder.path()).tokenizer(&TokenizerOptions::default()).is_err());
    assert_eq!(encode(folder.path(), Some("llama-bpe")), encode(&path("bitnet-packed"), None));
}
