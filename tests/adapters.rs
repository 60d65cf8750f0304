//! Adapters of low rank against HF PEFT and llama.cpp: from directories and from GGUF files, beside the matrices of
//! models and merged into them, and adapters that are none of a model.

use crate::api::*;
use crate::support::{Reference, assert_close, cpu, fixture, logits_of, open, with_model};
use std::path::{Path, PathBuf};

/// The largest deviation of float32 models that all compute the same.
const TOLERANCE: f64 = 1e-5;

/// Of merged BF16 matrices, whose elements have 8 bits. Without the adapters the logits are off by 1.5.
const ROUNDED: f64 = 0.15;

/// What the reference multiplies the second of two adapters by.
const STRENGTH: f32 = -0.75;

fn adapter(path: impl AsRef<Path>) -> Adapter {
    Adapter::open(path, Access::Map).unwrap_or_else(|error| panic!("{error}"))
}

/// The adapter as PEFT saves it, and as a GGUF file.
fn both_forms(name: &str) -> [Adapter; 2] {
    [adapter(fixture(&format!("lora/{name}"))), adapter(fixture(&format!("lora/{name}.gguf")))]
}

/// The model as a directory and as a GGUF file, whose query and key matrices have their rows in another order.
fn sources() -> [Box<dyn Source>; 2] {
    let directory = HfDirectory::open(fixture("lora/llama"), Access::Map).unwrap_or_else(|error| panic!("{error}"));
    [Box::new(directory), Box::new(open("lora/llama-f32.gguf"))]
}

fn logits(source: &dyn Source, adapters: &[Adapter], merge_adapters: bool, ids: &[u32]) -> Vec<f32> {
    let options = LoadOptions { adapters, merge_adapters, ..LoadOptions::default() };
    with_model(source, &options, |transformer| logits_of(&cpu(), transformer, ids))
}

#[test]
fn logits_are_those_of_peft_and_llama_cpp() {
    let reference = Reference::open("lora/expected.safetensors");
    let ids = reference.ids("ids");
    let [plain, patterns] = ["plain", "patterns"].map(both_forms);
    for source in sources() {
        let label = source.label().to_owned();
        let check = |name: &str, adapters: &[Adapter]| {
            let found = logits(&*source, adapters, false, &ids);
            assert_close(&format!("{label}, {name}"), &found, &reference.floats(name), TOLERANCE);
        };
        check("none", &[]);
        for form in 0..2 {
            check("plain", &plain[form..=form]);
            check("patterns", &patterns[form..=form]);
            check("both", &[plain[form].clone(), patterns[1 - form].clone().with_strength(STRENGTH)]);
        }
    }
}

/// F32 matrices take an adapter exactly, BF16 ones round the sum.
#[test]
fn merged_adapters_are_part_of_float_matrices() {
    let reference = Reference::open("lora/expected.safetensors");
    let (ids, expected) = (reference.ids("ids"), reference.floats("both"));
    let adapters = [adapter(fixture("lora/plain")), adapter(fixture("lora/patterns.gguf")).with_strength(STRENGTH)];
    let [directory, file] = sources();
    assert_close("F32", &logits(&*file, &adapters, true, &ids), &expected, TOLERANCE);
    assert_close("BF16", &logits(&*directory, &adapters, true, &ids), &expected, ROUNDED);
    let options = LoadOptions { adapters: &adapters, merge_adapters: true, ..LoadOptions::default() };
    with_model(&*file, &options, |transformer| {
        let attention = transformer.attention.iter().next().expect("a layer");
        assert!(attention.key.low_rank().is_empty(), "nothing is left beside it");
    });
}

/// Each sequence of a batch and each part of a prompt gets the bits that it gets alone, with adapters too.
#[test]
fn steps_of_one_token_give_the_same_bits() {
    let reference = Reference::open("lora/expected.safetensors");
    let (ids, adapters) = (reference.ids("ids"), both_forms("plain"));
    let options = LoadOptions { adapters: &adapters[..1], ..LoadOptions::default() };
    with_model(&open("lora/llama-f32.gguf"), &options, |transformer| {
        let all = logits_of(&cpu(), transformer, &ids);
        let mut session = Session::new(transformer, &cpu(), ids.len(), CacheType::F32).expect("memory");
        for (row, id) in all.chunks_exact(all.len() / ids.len()).zip(&ids) {
            let token = session.tokens_of(&[*id]).expect("an id");
            assert_eq!(session.feed(&token).expect("it fits").data(), row);
        }
    });
}

/// A ternary matrix has an adapter beside it, and cannot take it in.
#[test]
fn ternary_matrices_keep_an_adapter_apart() {
    let source = trine::embedded_model().expect("the embedded model");
    let folder = tempfile::tempdir().expect("a folder");
    let adapter_of = |scale: f32| {
        let hidden = source.config().expect("a config").dims.hidden;
        let values = |count: usize| (0..count).map(|i| ((i * 31 % 17) as f32 / 17.0 - 0.5) * scale).collect::<Vec<_>>();
        let path = folder.path().join(format!("{scale}.gguf"));
        let tensors = [("lora_a", [hidden, 2], values(2 * hidden)), ("lora_b", [2, hidden], values(2 * hidden))];
        write_adapter(
            &path,
            "bitnet-b1.58",
            &tensors.map(|(which, ne, values)| (format!("blk.1.attn_output.weight.{which}"), ne, values)),
        );
        adapter(path)
    };
    let ids = [1, 300, 17, 5];
    let run = |adapters: &[Adapter]| logits(&source, adapters, false, &ids);
    let (none, zero, some) = (run(&[]), run(&[adapter_of(0.0)]), run(&[adapter_of(0.5)]));
    assert_eq!(none, zero, "an adapter of zeros changes no bit");
    assert_ne!(none, some);
    let options = LoadOptions { adapters: &[adapter_of(0.5)], merge_adapters: true, ..LoadOptions::default() };
    let error = load_error(&source, &options);
    assert!(error.contains("blk.1.attn_output.weight") && error.contains("is i2_s: only F32, F16 and BF16"), "{error}");
}

fn load_error(source: &dyn Source, options: &LoadOptions<'_>) -> String {
    let dims = source.config().expect("a config").dims;
    Dyn::scope(dims, |model| load(model, source, &cpu(), options).err().map(|error| error.to_string()))
        .expect("it is refused")
}

/// An adapter in a GGUF file, its tensors in F32 with `ne` as the format has it.
fn write_adapter(path: &Path, architecture: &str, tensors: &[(String, [usize; 2], Vec<f32>)]) {
    let mut writer = GgufWriter::new();
    for (key, value) in [("general.type", "adapter"), ("adapter.type", "lora"), ("general.architecture", architecture)]
    {
        writer.set(key, value).expect("a key");
    }
    for (name, [cols, rows], values) in tensors {
        let bytes = values.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<u8>>();
        writer.tensor(name, &[*rows, *cols], TensorType::F32, bytes).expect("a tensor");
    }
    writer.write_file(path).expect("a file");
}

#[test]
fn adapters_that_are_none_of_the_model_are_refused_by_name() {
    let folder = tempfile::tempdir().expect("a folder");
    let write = |name: &str, architecture: &str, tensors: &[(&str, [usize; 2])]| -> PathBuf {
        let path = folder.path().join(name);
        let tensors: Vec<_> =
            tensors.iter().map(|(name, ne)| ((*name).to_owned(), *ne, vec![0.5; ne[0] * ne[1]])).collect();
        write_adapter(&path, architecture, &tensors);
        path
    };
    let (a, b) = ("blk.0.attn_q.weight.lora_a", "blk.0.attn_q.weight.lora_b");
    let opened = |path: PathBuf| Adapter::open(path, Access::Map).expect_err("it is refused").to_string();
    let cases = [
        (opened(write("empty", "llama", &[])), "holds no factors of matrices"),
        (opened(write("one", "llama", &[(a, [52, 2])])), "has no second factor"),
        (opened(write("head", "llama", &[("output.weight.lora_a", [52, 2])])), "is no factor"),
        (opened(write("stranger", "llama", &[("blk.0.attn_q.weight", [52, 2])])), "is no factor"),
        (opened(fixture("lora/llama-f32.gguf")), "key `general.type` is missing, expected adapter"),
    ];
    for (found, expected) in cases {
        assert!(found.contains(expected), "{found}");
    }
    let model = open("lora/llama-f32.gguf");
    let loaded = |path: PathBuf| {
        let adapters = &[adapter(path)];
        load_error(&model, &LoadOptions { adapters, ..LoadOptions::default() })
    };
    let beyond = [("blk.7.attn_q.weight.lora_a", [52, 2]), ("blk.7.attn_q.weight.lora_b", [2, 72])];
    let cases = [
        (loaded(write("other", "qwen3", &[(a, [52, 2]), (b, [2, 72])])), "is qwen3, expected llama, the model's"),
        (loaded(write("beyond", "llama", &beyond)), "adapts a block that the model does not have: it has 2"),
        (loaded(write("narrow", "llama", &[(a, [51, 2]), (b, [2, 72])])), "but is [72, 51]"),
        (loaded(write("ranks", "llama", &[(a, [52, 2]), (b, [3, 72])])), "a first factor of rank 2 and a second one"),
    ];
    for (found, expected) in cases {
        assert!(found.contains(expected), "{found}");
    }
}

/// What PEFT can say of an adapter and Trine does not compute is refused by its name.
#[test]
fn configurations_of_peft_that_ask_for_other_arithmetic_are_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let weights = fixture("lora/plain/adapter_model.safetensors");
    std::fs::copy(weights, folder.path().join("adapter_model.safetensors")).expect("a copy");
    let text = std::fs::read_to_string(fixture("lora/plain/adapter_config.json")).expect("a fixture");
    let good: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    let open = |change: &dyn Fn(&mut serde_json::Value)| {
        let mut entries = good.clone();
        change(&mut entries);
        std::fs::write(folder.path().join("adapter_config.json"), entries.to_string()).expect("a file");
        Adapter::open(folder.path(), Access::Copy).map(|adapter| adapter.matrices()).map_err(|error| error.to_string())
    };
    assert_eq!(open(&|_| ()), Ok(14));
    let refused = [
        ("peft_type", serde_json::json!("LOHA")),
        ("use_dora", true.into()),
        ("bias", "all".into()),
        ("fan_in_fan_out", true.into()),
        ("init_lora_weights", "pissa".into()),
        ("modules_to_save", serde_json::json!(["lm_head"])),
        ("layer_replication", serde_json::json!([[0, 2]])),
        ("alora_invocation_tokens", serde_json::json!([1, 2])),
        ("a_way_of_the_future", serde_json::json!("on")),
        ("lora_alpha", "much".into()),
        ("r", 5.into()),
        ("rank_pattern", serde_json::json!({"q_proj": 7})),
        ("alpha_pattern", serde_json::json!({"(": 7})),
        ("alpha_pattern", serde_json::json!({"q_proj": 7, ".*_proj": 8})),
    ];
    for (key, value) in refused {
        let found = open(&|entries| entries[key] = value.clone()).expect_err(key);
        let named = if key == "rank_pattern" { "r" } else { key };
        assert!(found.contains(&format!("`{named}")), "{key}: {found}");
    }
    let kept = [("a_way_of_the_future", serde_json::json!(false)), ("lora_dropout", 0.5.into())];
    for (key, value) in kept {
        assert_eq!(open(&|entries| entries[key] = value.clone()), Ok(14), "{key}");
    }
}
