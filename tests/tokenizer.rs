//! Token ids against llama.cpp: its published test vectors, and its answers to texts made to tell pre-tokenizers and
//! the treatment of special tokens apart. What one module promises by itself is tested beside it.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

use crate::support::skipped;
use serde_json::Value;
use trine_loader::Gguf;
use trine_model::{EncodeOptions, TextStream, Tokenizer, TokenizerOptions};

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/tokenizer")
}

/// The vocabulary of that name: beside the fixtures, or where `tools/tokenizer/fetch_vectors.py` puts it. `None`, and a
/// word about it, where it is in neither.
fn open(vocabulary: &str, pre: Option<&str>) -> Option<Tokenizer> {
    let name = if vocabulary == "pairs" { "pairs.gguf".to_owned() } else { format!("ggml-vocab-{vocabulary}.gguf") };
    let fetched = Path::new(env!("CARGO_MANIFEST_DIR")).join("models/tokenizer");
    let Some(path) = [fixtures(), fetched].iter().map(|folder| folder.join(&name)).find(|path| path.exists()) else {
        skipped(&format!("no {name}; `python3 tools/tokenizer/fetch_vectors.py` fetches it"));
        return None;
    };
    let gguf = Gguf::open(path).unwrap_or_else(|error| panic!("{error}"));
    let options = TokenizerOptions { pre: pre.map(str::to_owned) };
    Some(Tokenizer::from_gguf(&gguf, &options).unwrap_or_else(|error| panic!("{error}")))
}

fn published_vectors(vocabulary: &str) {
    let read = |end: &str| fs::read_to_string(fixtures().join(format!("ggml-vocab-{vocabulary}.gguf.{end}"))).unwrap();
    let (texts, ids) = (read("inp"), read("out"));
    let texts: Vec<&str> = texts.split("\n__ggml_vocab_test__\n").collect();
    let ids: Vec<Vec<u32>> = ids.split('\n').map(|line| numbers(line.split_whitespace())).collect();
    assert_eq!((texts.len(), ids.len()), (47, 47));
    let Some(tokenizer) = open(vocabulary, None) else { return };
    for (text, expected) in texts.into_iter().zip(ids) {
        let found = tokenizer.encode(text, EncodeOptions::PLAIN).unwrap();
        assert_eq!(found, expected, "{vocabulary}: {text:?}");
        assert_eq!(tokenizer.decode(&found, false).unwrap(), text, "{vocabulary}: decoding");
    }
}

fn numbers<'a>(words: impl Iterator<Item = &'a str>) -> Vec<u32> {
    words.map(|word| word.parse().unwrap()).collect()
}

#[test]
fn published_vectors_of_gpt_2() {
    published_vectors("gpt-2");
}

#[test]
fn published_vectors_of_llama_spm() {
    published_vectors("llama-spm");
}

#[test]
fn published_vectors_of_llama_bpe() {
    published_vectors("llama-bpe");
}

#[test]
fn published_vectors_of_qwen2() {
    published_vectors("qwen2");
}

/// Combining marks, CJK, emoji, code, digits and spaces: HF tokenizers, which bring a text to NFC first, and llama.cpp,
/// which does not, agree on texts in NFC.
#[test]
fn ids_of_qwen2_are_those_of_hf_tokenizers() {
    let text = fs::read_to_string(fixtures().join("qwen2.json")).unwrap();
    let expected: Value = serde_json::from_str(&text).unwrap();
    let Some(tokenizer) = open("qwen2", None) else { return };
    let ids = |value: &Value| -> Vec<u32> {
        value.as_array().unwrap().iter().map(|id| id.as_u64().unwrap() as u32).collect()
    };
    let encode = |text: &Value, options| tokenizer.encode(text.as_str().unwrap(), options).unwrap();
    for case in expected["texts"].as_array().unwrap() {
        assert_eq!(encode(&case["text"], EncodeOptions::PLAIN), ids(&case["ids"]), "{}", case["text"]);
    }
    for case in expected["not_nfc"].as_array().unwrap() {
        assert_eq!(encode(&case["text"], EncodeOptions::PLAIN), ids(&case["as_written_ids"]), "{}", case["text"]);
        assert_ne!(case["as_written_ids"], case["nfc_ids"]);
    }
    for case in expected["special"].as_array().unwrap() {
        let special = EncodeOptions { parse_special: true, ..EncodeOptions::PLAIN };
        assert_eq!(encode(&case["text"], special), ids(&case["ids"]), "{}", case["text"]);
        assert_eq!(encode(&case["text"], EncodeOptions::PLAIN), ids(&case["as_text_ids"]), "{}", case["text"]);
    }
}

/// Every run of `llama_cpp.json`: each pre-tokenizer over a vocabulary whose ids show where text was cut, and BOS and
/// special tokens in every combination of options.
#[test]
fn same_ids_as_llama_cpp() {
    let reference: Value = serde_json::from_slice(&fs::read(fixtures().join("llama_cpp.json")).unwrap()).unwrap();
    let (mut failures, mut tokenizers) = (Vec::new(), HashMap::new());
    for run in reference["runs"].as_array().unwrap() {
        let (vocabulary, pre) = (run["vocabulary"].as_str().unwrap(), run["pre"].as_str());
        let opened = tokenizers.entry((vocabulary, pre)).or_insert_with(|| open(vocabulary, pre));
        let Some(tokenizer) = opened else { continue };
        let [add_special, parse_special] = ["add_special", "parse_special"].map(|name| run[name].as_bool().unwrap());
        let texts = reference["texts"][run["texts"].as_str().unwrap()].as_array().unwrap();
        let expected = run["ids"].as_array().unwrap();
        assert_eq!(expected.len(), texts.len());
        for (text, expected) in texts.iter().zip(expected) {
            let text = text.as_str().unwrap();
            let expected: Vec<u32> =
                expected.as_array().unwrap().iter().map(|id| id.as_u64().unwrap() as u32).collect();
            let found = tokenizer
                .encode(text, EncodeOptions { add_bos: add_special, add_eos: add_special, parse_special })
                .unwrap();
            if found != expected && !begins_with_bos_itself(tokenizer, &expected) {
                failures.push(format!("{vocabulary} {pre:?} {text:?}: {found:?}, llama.cpp {expected:?}"));
            }
        }
    }
    assert!(failures.is_empty(), "{} texts differ:\n{}", failures.len(), failures.join("\n"));
}

/// llama.cpp puts a second BOS before a text that begins with one; here it is not repeated.
fn begins_with_bos_itself(tokenizer: &Tokenizer, expected: &[u32]) -> bool {
    tokenizer.bos().is_some_and(|bos| expected.starts_with(&[bos, bos]))
}

#[test]
fn bos_is_not_repeated() {
    let tokenizer = open("llama-spm", None).unwrap();
    assert_eq!(tokenizer.encode("<s>Hello", EncodeOptions::PROMPT).unwrap(), [1, 15043]);
    assert_eq!(tokenizer.encode("Hello", EncodeOptions::PROMPT).unwrap(), [1, 15043]);
}

/// Decoding token by token, with characters cut across tokens, gives the same text as decoding at once.
#[test]
fn streamed_text_is_the_whole_text() {
    let text = "🦙 日本語 naïve cafe\u{301} \u{1f469}\u{200d}\u{1f680}";
    for vocabulary in ["gpt-2", "llama-spm"] {
        let tokenizer = open(vocabulary, None).unwrap();
        let ids = tokenizer.encode(text, EncodeOptions::PLAIN).unwrap();
        let (mut stream, mut streamed, mut split_characters) = (TextStream::new(), String::new(), 0);
        for id in ids {
            let mut bytes = Vec::new();
            tokenizer.decode_into(id, false, &mut bytes).unwrap();
            split_characters += usize::from(std::str::from_utf8(&bytes).is_err());
            streamed += &stream.push(&bytes);
        }
        streamed += &stream.finish();
        assert!(split_characters > 0, "{vocabulary}: the text must have characters that span tokens");
        assert_eq!(streamed.trim_start_matches(' '), text, "{vocabulary}");
    }
}

#[test]
fn special_tokens_are_hidden_or_shown() {
    let tokenizer = open("llama-spm", None).unwrap();
    let ids = tokenizer.encode("<s>one</s>", EncodeOptions { parse_special: true, ..EncodeOptions::PLAIN }).unwrap();
    assert_eq!((ids.first(), ids.last()), (Some(&1), Some(&2)));
    assert_eq!(tokenizer.decode(&ids, false).unwrap(), "one");
    assert_eq!(tokenizer.decode(&ids, true).unwrap(), "<s> one</s>");
    assert_eq!(tokenizer.end_of_generation(), [2]);
}
