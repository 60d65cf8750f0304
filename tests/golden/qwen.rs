//! Qwen2 and Qwen3 models against HF transformers and llama.cpp, from directories and from GGUF files: biases, norms of
//! heads, YaRN, tied and separate heads, heads that are not `hidden / heads` wide; and their tokenizers.

use crate::api::*;
use crate::support::{FeedIds, Reference, assert_close, cpu, fixture, logits_of, open, with_model};
use serde_json::Value;

/// The largest deviation of float32 models that all compute the same.
const TOLERANCE: f64 = 1e-5;

const MODELS: [(&str, &[&str]); 2] = [("qwen2", &["tied", "yarn"]), ("qwen3", &["tied", "yarn", "yarn-betas"])];

fn directory(family: &str, name: &str) -> HfDirectory {
    let path = fixture(&format!("{family}/{name}"));
    HfDirectory::open(path, Access::Map).unwrap_or_else(|error| panic!("{error}"))
}

fn logits(source: &dyn Source, ids: &[u32]) -> Vec<f32> {
    with_model(source, &LoadOptions::default(), |transformer| logits_of(&cpu(), transformer, ids))
}

#[test]
fn logits_are_those_of_transformers_and_llama_cpp() {
    for (family, names) in MODELS {
        let reference = Reference::open(&format!("{family}/expected.safetensors"));
        for name in names {
            let file = open(&format!("{family}/{name}-f32.gguf"));
            for prompt in ["short", "long"] {
                let ids = reference.ids(&format!("{name}.{prompt}.ids"));
                let expected = reference.floats(&format!("{name}.{prompt}.logits"));
                let llama_cpp = reference.floats(&format!("{name}.{prompt}.llama_cpp"));
                for (source, kind) in [(&directory(family, name) as &dyn Source, "directory"), (&file, "file")] {
                    let found = logits(source, &ids);
                    let what = format!("{family}, {name}, {kind}, {prompt} prompt");
                    assert_close(&format!("{what}: transformers"), &found, &expected, TOLERANCE);
                    let last = &found[found.len() - llama_cpp.len()..];
                    assert_close(&format!("{what}: llama.cpp"), last, &llama_cpp, TOLERANCE);
                }
            }
        }
    }
}

/// One token at a time, through a cache that was rewound, the logits have the same bits.
#[test]
fn steps_of_one_token_give_the_same_bits() {
    let reference = Reference::open("qwen3/expected.safetensors");
    let ids = reference.ids("yarn.short.ids");
    with_model(&open("qwen3/yarn-f32.gguf"), &LoadOptions::default(), |transformer| {
        let cpu = cpu();
        let all = logits_of(&cpu, transformer, &ids);
        let mut session = Session::new(transformer, &cpu, ids.len(), CacheType::F32).expect("memory");
        session.feed_ids(&ids[..5]);
        assert_eq!(session.rewind_to(&ids[..3]), 2);
        let rows = all.chunks_exact(all.len() / ids.len());
        for (row, id) in rows.zip(&ids).skip(2) {
            assert_eq!(session.feed_ids(&[*id]), row);
        }
    });
}

fn ids(value: &Value) -> Vec<u32> {
    value.as_array().expect("a list").iter().map(|id| id.as_u64().expect("an id") as u32).collect()
}

/// Those of a directory bring a text to NFC first, as HF tokenizers do; those of a file do not, as llama.cpp.
#[test]
fn tokenizers_of_directories_and_files_are_those_of_their_makers() {
    for family in ["qwen2", "qwen3"] {
        let text = std::fs::read_to_string(fixture(&format!("{family}/tokenizers.json"))).expect("a fixture");
        let expected: Value = serde_json::from_str(&text).expect("JSON");
        let options = TokenizerOptions::default();
        let of_directory = directory(family, "tied").tokenizer(&options).unwrap_or_else(|error| panic!("{error}"));
        let of_file = open(&format!("{family}/tied-f32.gguf")).tokenizer(&options).expect("a tokenizer");
        let mut different = 0;
        for case in expected["tied"]["texts"].as_array().expect("texts") {
            let text = case["text"].as_str().expect("a text");
            let options = EncodeOptions { parse_special: true, ..EncodeOptions::PLAIN };
            let encode = |tokenizer: &Tokenizer| tokenizer.encode(text, options).expect("ids");
            assert_eq!(encode(&of_directory), ids(&case["ids"]), "{family}: {text:?}, HF tokenizers");
            assert_eq!(encode(&of_file), ids(&case["llama_cpp"]), "{family}: {text:?}, llama.cpp");
            different += usize::from(case["ids"] != case["llama_cpp"]);
        }
        assert_eq!(different, 1, "{family}: decomposed letters tell the two apart");
    }
}

/// A directory converts to a file with its logits, bit for bit: its description, norms of heads and biases go with it.
/// Only ternary matrices convert, so these are made ternary on both ways.
#[test]
fn a_converted_directory_has_the_logits_of_the_directory() {
    let quantize = Some(Quantize::Absmean);
    for family in ["qwen2", "qwen3"] {
        let (source, reference) =
            (directory(family, "tied"), Reference::open(&format!("{family}/expected.safetensors")));
        let conversion = Conversion { quantize, ..Conversion::to(TensorType::F16) };
        let converted = convert(&source, &conversion, &cpu(), &|_, _| ()).unwrap_or_else(|error| panic!("{error}"));
        let mut bytes = Vec::new();
        converted.writer.write_to(&mut bytes).expect("memory");
        let file = Gguf::from_bytes("converted", bytes.into()).expect("a sound file");
        let ids = reference.ids("tied.short.ids");
        let of = |source: &dyn Source, quantize| {
            let options = LoadOptions { quantize, ..LoadOptions::default() };
            with_model(source, &options, |transformer| logits_of(&cpu(), transformer, &ids))
        };
        assert_eq!(of(&file, None), of(&source, quantize), "{family}");
    }
}
