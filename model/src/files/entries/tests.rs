//! The lists against the code that reads: an entry that is listed as read changes what a model is if it is changed, and
//! one that is listed as ignored does not.

use super::*;
use crate::description::{Architecture, Config, RopeScaling, Sliding, SlidingOrder, Yarn};
use crate::files::{HfDirectory, Source};
use crate::tools::Synthetic;
use serde_json::{Map, Value as Json, json};
use std::path::{Path, PathBuf};
use trine_loader::{Access, Gguf, GgufWriter, Value};
use trine_text::TokenizerOptions;

/// What `to_dict` of the classes that are read gives in HF transformers 5.24.
const OF_CLASSES: [&str; 38] = [
    "_name_or_path",
    "architectures",
    "attention_bias",
    "attention_dropout",
    "bos_token_id",
    "chunk_size_feed_forward",
    "dtype",
    "eos_token_id",
    "head_dim",
    "hidden_act",
    "hidden_size",
    "id2label",
    "initializer_range",
    "intermediate_size",
    "is_encoder_decoder",
    "label2id",
    "layer_types",
    "max_position_embeddings",
    "max_window_layers",
    "mlp_bias",
    "model_type",
    "num_attention_heads",
    "num_hidden_layers",
    "num_key_value_heads",
    "output_attentions",
    "output_hidden_states",
    "pad_token_id",
    "pretraining_tp",
    "problem_type",
    "return_dict",
    "rms_norm_eps",
    "rope_parameters",
    "sliding_window",
    "tie_word_embeddings",
    "transformers_version",
    "use_cache",
    "use_sliding_window",
    "vocab_size",
];

#[test]
fn entries_of_the_classes_are_known_and_others_are_not() {
    for key in OF_CLASSES.into_iter().chain(["rope_scaling.factor", "id2label.0", "quantization_config.quant_method"]) {
        assert!(!is_unread_of_hf(key), "{key}");
    }
    for key in ["rope_scaling.other_factor", "logit_scale", "n_routed_experts", "quantization_config.bits"] {
        assert!(is_unread_of_hf(key), "{key}");
    }
}

#[test]
fn no_entry_is_both_read_and_ignored() {
    let lists: [(&[&str], &[(&str, &str)]); 4] = [
        (&READ_OF_HF, &IGNORED_OF_HF),
        (&READ_OF_GGUF, &IGNORED_OF_GGUF),
        (&READ_OF_ROPE, &IGNORED_OF_ROPE),
        (&READ_OF_QUANTIZATION, &IGNORED_OF_QUANTIZATION),
    ];
    for (read, ignored) in lists {
        assert!(ignored.iter().all(|(key, why)| !read.contains(key) && !why.is_empty()));
    }
}

/// A directory whose `config.json` is written anew for each try.
struct Directory {
    folder: tempfile::TempDir,
    config: Map<String, Json>,
}

impl Directory {
    /// A copy of a checkpoint of the tests.
    fn copy(name: &str) -> Directory {
        let from = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/fixtures/checkpoints")).join(name);
        let folder = tempfile::tempdir().expect("a folder");
        for entry in std::fs::read_dir(&from).unwrap_or_else(|error| panic!("{}: {error}", from.display())) {
            let path: PathBuf = entry.expect("an entry").path();
            // A folder of another module, and the list that names it.
            if path.is_dir() || path.ends_with("modules.json") {
                continue;
            }
            std::fs::copy(&path, folder.path().join(path.file_name().expect("a name"))).expect("room");
        }
        let config = std::fs::read(from.join("config.json")).expect("a config.json");
        Directory { folder, config: serde_json::from_slice(&config).expect("JSON") }
    }

    /// The same with other entries.
    fn with(name: &str, entries: Json) -> Directory {
        let mut directory = Directory::copy(name);
        directory.config.extend(entries.as_object().expect("an object").clone());
        directory
    }

    /// Everything that is made of the directory, in words, where `entry` or `object.entry` has another value.
    fn outcome(&self, entry: &str, value: Option<&Json>) -> String {
        let mut config = self.config.clone();
        if let Some(value) = value {
            match entry.split_once('.') {
                Some((object, inner)) => config[object][inner] = value.clone(),
                None => drop(config.insert(entry.to_owned(), value.clone())),
            }
        }
        let json = serde_json::to_vec(&config).expect("JSON");
        std::fs::write(self.folder.path().join("config.json"), json).expect("room");
        match HfDirectory::open(self.folder.path(), Access::Copy) {
            Err(error) => error.to_string(),
            Ok(directory) => {
                let described = directory
                    .description(&TokenizerOptions::default())
                    .map(|description| (description.metadata, description.divisors, description.interleave));
                let tensors = directory.tensors().into_iter().map(|tensor| (tensor.name, tensor.role, tensor.encoding));
                let tensors: Vec<_> = tensors.collect();
                format!("{:?} {described:?} {tensors:?} {:?}", directory.config(), directory.activations())
            }
        }
    }

    /// Whether some other value of an entry makes another model, or none.
    fn reads(&self, entry: &str) -> bool {
        let usual = self.outcome(entry, None);
        others().iter().any(|value| self.outcome(entry, Some(value)) != usual)
    }
}

/// Values that no entry has by chance.
fn others() -> [Json; 8] {
    [
        json!(7),
        json!(0.375),
        json!(true),
        json!(false),
        json!("other"),
        json!(["other"]),
        json!({ "other": 7 }),
        json!(-1),
    ]
}

/// One directory of each kind that differs in what is read of `config.json`.
fn directories() -> Vec<Directory> {
    let rope = |kind: &str| {
        json!({ "rope_parameters": { "rope_type": kind, "rope_theta": 1e4, "factor": 6.0, "low_freq_factor": 1.0,
            "high_freq_factor": 3.0, "original_max_position_embeddings": 24 } })
    };
    let older = json!({ "rope_theta": 1e4, "rope_scaling": { "type": "yarn", "factor": 6.0,
        "original_max_position_embeddings": 24 }, "rope_parameters": null });
    // Names of tokens stand above their numbers, so that only without them numbers count.
    let unnamed = Directory::copy("bitnet-packed");
    std::fs::remove_file(unnamed.folder.path().join("tokenizer_config.json")).expect("a file");
    let long = json!({ "rope_scaling": { "type": "longrope", "factor": 6.0, "long_factor": [1.5, 2.0],
        "short_factor": [1.0, 1.25], "original_max_position_embeddings": 24 }, "scale_emb": 3.0, "scale_depth": 1.5,
        "dim_model_base": 16, "architectures": ["MiniCPMForCausalLM"] });
    let normed = json!({ "quantization_config": { "quant_method": "bitnet", "linear_class": "autobitlinear",
        "quantization_mode": "online", "use_rms_norm": true, "rms_norm_eps": 1e-6 } });
    vec![
        unnamed,
        Directory::copy("bitnet-packed"),
        Directory::copy("bitnet-1bitllm"),
        Directory::copy("llama-packed"),
        Directory::copy("llama-biases"),
        Directory::with("llama-llama3", rope("llama3")),
        Directory::with("llama-llama3", rope("yarn")),
        Directory::with("llama-llama3", older),
        Directory::with("bitnet-packed", json!({ "use_sliding_window": false })),
        Directory::with("llama-packed", long),
        Directory::with("../embeddings/qwen3", normed),
        Directory::copy("../gemma3/sliding"),
        Directory::with("../gemma3/sliding", json!({ "layer_types": null })),
        Directory::copy("../gemma3/scaled"),
        Directory::copy("../hunyuan/alpha"),
        Directory::copy("../qwen35/tied"),
        Directory::with("../qwen35/tied", json!({ "layer_types": null })),
        Directory::copy("../maple_rows/mlx"),
    ]
}

#[test]
fn what_is_listed_of_config_json_is_what_is_read() {
    let directories = directories();
    let of_object = |objects: &[&str], entries: &[&str]| -> Vec<String> {
        let named = |entry: &&str| objects.iter().map(|object| format!("{object}.{entry}")).collect::<Vec<_>>();
        entries.iter().flat_map(named).collect()
    };
    let reads = |entry: &str| {
        let has_object = |directory: &&Directory| {
            entry.split_once('.').is_none_or(|(outer, _)| directory.config.get(outer).is_some_and(Json::is_object))
        };
        directories.iter().filter(has_object).any(|directory| directory.reads(entry))
    };
    let any = |entries: &[String]| entries.iter().any(|entry| reads(entry));
    for entry in READ_OF_HF {
        assert!(reads(entry), "{entry} is not read");
    }
    for (entry, _) in IGNORED_OF_HF {
        assert!(!reads(entry), "{entry} is read");
    }
    for (objects, read, ignored) in [
        (&["rope_parameters", "rope_scaling"][..], &READ_OF_ROPE[..], &IGNORED_OF_ROPE[..]),
        (&["quantization_config"], &READ_OF_QUANTIZATION, &IGNORED_OF_QUANTIZATION),
    ] {
        for entry in read {
            assert!(any(&of_object(objects, &[entry])), "{objects:?}: {entry} is not read");
        }
        for (entry, _) in ignored {
            assert!(!any(&of_object(objects, &[entry])), "{objects:?}: {entry} is read");
        }
    }
}

/// What is made of a GGUF file in which a key of its architecture has another value.
fn outcome_of_gguf(base: &[(String, Value)], key: &str, value: Option<&Value>) -> String {
    let mut writer = GgufWriter::new();
    let architecture = match &base[0] {
        (key, Value::String(name)) if key == "general.architecture" => name,
        other => panic!("{other:?}"),
    };
    let changed = format!("{architecture}.{key}");
    for (name, given) in base.iter().filter(|(name, _)| value.is_none() || *name != changed) {
        writer.set(name, given.clone()).expect("an entry");
    }
    if let Some(value) = value {
        writer.set(changed, value.clone()).expect("an entry");
    }
    for number in 0..12 {
        let name = format!("tensor{number}");
        writer.tensor(name, &[1], trine_loader::TensorType::F32, bytes::Bytes::from_static(&[0; 4])).expect("a tensor");
    }
    let mut bytes = Vec::new();
    writer.write_to(&mut bytes).expect("room");
    format!("{:?}", Config::from_gguf(&Gguf::from_bytes("changed", bytes.into()).expect("a file")))
}

#[test]
fn what_is_listed_of_gguf_is_what_is_read() {
    let yarn = Yarn { factor: 6.0, original_context: 24, attention_factor: 1.0, beta_fast: 32.0, beta_slow: 1.0 };
    let dense = [RopeScaling::None, RopeScaling::Yarn(yarn)].map(|scaling| {
        let mut config = Synthetic::tiny().config;
        config.rope.scaling = scaling;
        config
    });
    let mini = Config { architecture: Architecture::MiniCpm, ..Synthetic::tiny().config };
    let order = SlidingOrder::GlobalEvery(Sliding::USUAL_INTERVAL);
    let window = std::num::NonZeroUsize::new(24).expect("a window");
    let sliding = Some(Sliding { window, order, base: 2e4 });
    let gemma = Config { architecture: Architecture::Gemma3, sliding, ..Synthetic::tiny().config };
    let maple = Synthetic::tiny_mixture().config;
    let bases = dense.into_iter().chain([Synthetic::tiny_hybrid().config, mini, gemma, maple]).map(|config| {
        let vocabulary = trine_text::VocabularyData::placeholders(config.dims.vocab).to_metadata();
        config.to_metadata().into_iter().chain(vocabulary).collect::<Vec<_>>()
    });
    let bases: Vec<_> = bases.collect();
    let others =
        [Value::from(7u32), Value::from(0.375f32), Value::from(true), Value::from(false), Value::from("other")];
    let reads = |key: &str| {
        bases.iter().any(|base| {
            let usual = outcome_of_gguf(base, key, None);
            others.iter().any(|value| outcome_of_gguf(base, key, Some(value)) != usual)
        })
    };
    for key in READ_OF_GGUF {
        assert!(reads(key), "{key} is not read");
    }
    for (key, _) in IGNORED_OF_GGUF {
        assert!(!reads(key), "{key} is read");
    }
}
