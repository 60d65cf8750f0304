//! A `tokenizer.json` of the form that Qwen 2 and 3 have. The ids of HF tokenizers themselves are in `tests/golden` of
//! the workspace.

use super::*;
use crate::{EncodeOptions, Metaspace, NotInGguf, Prepend};
use serde_json::json;
use trine_loader::{Gguf, GgufWriter};

/// The first added token; the model has tokens up to this one.
const ADDED: u32 = 17;

/// A directory with a tokenizer as Qwen has it: the normalizer NFC, a `Split` before `ByteLevel`, added tokens of which
/// only some are special, no BOS, and a vocabulary that `config.json` rounds up.
fn qwen() -> tempfile::TempDir {
    // é is the bytes Ã and ©, the combining acute accent Ì and ģ.
    let tokens = ["a", "c", "e", "f", "1", "2", "Ġ", "<", ">", "Ã", "©", "Ì", "ģ", "Ã©", "ca", "12", "¸"];
    let vocab: HashMap<&str, usize> = tokens.iter().enumerate().map(|(id, text)| (*text, id)).collect();
    let split = concat!(
        r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}|",
        r" ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
    );
    let added = |id: u32, content: &str, special: bool| {
        json!({ "id": id, "content": content, "single_word": false, "lstrip": false, "rstrip": false,
                "normalized": false, "special": special })
    };
    let tokenizer = json!({
        "version": "1.0", "truncation": null, "padding": null,
        "added_tokens": [
            added(ADDED, "<|endoftext|>", true), added(ADDED + 1, "<|im_start|>", true),
            added(ADDED + 2, "<|im_end|>", true), added(ADDED + 3, "<think>", false),
        ],
        "normalizer": { "type": "NFC" },
        "pre_tokenizer": { "type": "Sequence", "pretokenizers": [
            { "type": "Split", "pattern": { "Regex": split }, "behavior": "Isolated", "invert": false },
            { "type": "ByteLevel", "add_prefix_space": false, "trim_offsets": false, "use_regex": false },
        ] },
        "post_processor":
            { "type": "ByteLevel", "add_prefix_space": false, "trim_offsets": false, "use_regex": false },
        "decoder": { "type": "ByteLevel", "add_prefix_space": false, "trim_offsets": false, "use_regex": false },
        "model": { "type": "BPE", "dropout": null, "unk_token": null, "continuing_subword_prefix": "",
            "end_of_word_suffix": "", "fuse_unk": false, "byte_fallback": false, "ignore_merges": false,
            "vocab": vocab, "merges": ["Ã ©", "c a", "1 2"] },
    });
    let settings = json!({
        "add_bos_token": false, "bos_token": null, "eos_token": "<|im_end|>", "tokenizer_class": "Qwen2Tokenizer",
        "chat_template": "{% for m in messages %}<|im_start|>{{ m.content }}<|im_end|>{% endfor %}",
    });
    let config = json!({ "bos_token_id": ADDED, "eos_token_id": ADDED + 2, "vocab_size": 32 });
    let folder = tempfile::tempdir().expect("a folder");
    for (name, json) in [(FILE, tokenizer), ("tokenizer_config.json", settings), ("config.json", config)] {
        std::fs::write(folder.path().join(name), json.to_string()).expect("a file of the folder");
    }
    folder
}

/// What `read` makes of the files of that directory.
fn with_files<T>(read: impl FnOnce(TokenizerFiles<'_>) -> T) -> T {
    let folder = qwen();
    let config = Object::open(&folder.path().join("config.json")).expect("config.json");
    read(TokenizerFiles::new(folder.path(), &config))
}

fn tokenizer() -> Tokenizer {
    with_files(|files| files.tokenizer(&TokenizerOptions::default())).unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn qwen_is_read_with_its_pre_tokenizer_its_ends_and_without_bos() {
    let tokenizer = tokenizer();
    assert_eq!((tokenizer.pre(), tokenizer.len()), (Some("qwen2"), 32));
    assert_eq!(tokenizer.warnings(), []);
    assert_eq!((tokenizer.adds_bos(), tokenizer.adds_eos(), tokenizer.eos()), (false, false, Some(ADDED + 2)));
    assert_eq!(tokenizer.end_of_generation(), [ADDED, ADDED + 2]);
    let kinds = [ADDED, ADDED + 3, ADDED + 4].map(|id| tokenizer.kind(id));
    assert_eq!(kinds, [TokenKind::Control, TokenKind::UserDefined, TokenKind::Unused].map(Some));
    // Numbers are apart though there is a merge of two; thoughts are part of the text, turns are not.
    let ids = tokenizer.encode("<|im_start|>ca 12<think>", EncodeOptions::PROMPT).unwrap();
    assert_eq!(ids, [ADDED + 1, 14, 6, 4, 5, ADDED + 3]);
    assert_eq!(tokenizer.decode(&ids, false).unwrap(), "ca 12<think>");
    let template = with_files(|files| files.chat_template(&tokenizer)).unwrap();
    let text = template.render(&[crate::Message::new("user", "ca")], false).unwrap();
    assert_eq!(text, "<|im_start|>ca<|im_end|>");
}

#[test]
fn a_directory_brings_text_to_nfc_between_its_added_tokens() {
    let tokenizer = tokenizer();
    for text in ["café", "cafe\u{301}"] {
        assert_eq!(tokenizer.encode(text, EncodeOptions::PLAIN).unwrap(), [14, 3, 13], "{text:?}");
    }
    // A stroke through > would make another sign of it, but not of the end of an added token.
    assert_eq!(tokenizer.encode("<think>\u{338}", EncodeOptions::PLAIN).unwrap(), [ADDED + 3, 11, 16]);
    let (data, warnings) = with_files(|files| files.vocabulary(&TokenizerOptions::default())).unwrap();
    assert!(data.nfc && warnings.is_empty());
}

#[test]
fn a_gguf_file_of_the_same_vocabulary_takes_text_as_it_is() {
    let (data, _) = with_files(|files| files.vocabulary(&TokenizerOptions::default())).unwrap();
    let mut writer = GgufWriter::new();
    for (key, value) in data.to_metadata() {
        writer.set(&key, value).unwrap();
    }
    let mut bytes = Vec::new();
    writer.write_to(&mut bytes).unwrap();
    let gguf = Gguf::from_bytes("qwen.gguf", bytes.into()).unwrap();
    let tokenizer = Tokenizer::from_gguf(&gguf, &TokenizerOptions::default()).unwrap();
    assert_eq!(tokenizer.pre(), Some("qwen2"));
    assert_eq!(tokenizer.encode("café", EncodeOptions::PLAIN).unwrap(), [14, 3, 13]);
    assert_eq!(tokenizer.encode("cafe\u{301}", EncodeOptions::PLAIN).unwrap(), [14, 3, 2, 11, 12]);
}

#[test]
fn other_normalizers_are_refused_by_name() {
    let folder = qwen();
    let file = folder.path().join(FILE);
    let mut json: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
    let config = Object::open(&folder.path().join("config.json")).expect("config.json");
    let mut read = |normalizer: Value| {
        json["normalizer"] = normalizer;
        std::fs::write(&file, json.to_string()).unwrap();
        TokenizerFiles::new(folder.path(), &config).tokenizer(&TokenizerOptions::default())
    };
    let decomposed = "cafe\u{301}";
    let nfc = read(json!({ "type": "Sequence", "normalizers": [{ "type": "NFC" }] })).unwrap();
    assert_eq!(nfc.encode(decomposed, EncodeOptions::PLAIN).unwrap(), [14, 3, 13]);
    let none = read(Value::Null).unwrap();
    assert_eq!(none.encode(decomposed, EncodeOptions::PLAIN).unwrap(), [14, 3, 2, 11, 12]);
    for other in [json!({ "type": "NFKC" }), json!({ "type": "Sequence", "normalizers": [{ "type": "NFC" }, {}] })] {
        let error = read(other).unwrap_err().to_string();
        assert!(error.contains("tokenizer.json: `normalizer` is") && error.contains("none or `NFC`"), "{error}");
    }
}

#[test]
fn a_generation_ends_at_each_token_of_its_configuration() {
    let files = qwen();
    let ends = |ids: Value| {
        let generation = json!({ "eos_token_id": ids, "temperature": 0.6 });
        std::fs::write(files.path().join("generation_config.json"), generation.to_string()).unwrap();
        let config = Object::open(&files.path().join("config.json")).unwrap();
        TokenizerFiles::new(files.path(), &config).tokenizer(&TokenizerOptions::default()).unwrap()
    };
    let tokenizer = ends(json!([ADDED + 2, 0, 1, 2, 3, 4]));
    for id in [0, 1, 2, 3, 4, ADDED + 2] {
        assert!(tokenizer.end_of_generation().contains(&id), "{id} of {:?}", tokenizer.end_of_generation());
    }
    assert!(!tokenizer.end_of_generation().contains(&5));
    let config = Object::open(&files.path().join("config.json")).unwrap();
    let (data, _) = TokenizerFiles::new(files.path(), &config).vocabulary(&TokenizerOptions::default()).unwrap();
    let mut writer = GgufWriter::new();
    for (key, value) in data.to_metadata() {
        writer.set(key, value).unwrap();
    }
    let mut bytes = Vec::new();
    writer.write_to(&mut bytes).unwrap();
    let file = Gguf::from_bytes("written.gguf", bytes.into()).unwrap();
    let written = Tokenizer::from_gguf(&file, &TokenizerOptions::default()).unwrap();
    assert_eq!(written.end_of_generation(), tokenizer.end_of_generation());
}

#[test]
fn an_added_token_beyond_the_vocabulary_is_left_out() {
    let files = qwen();
    let path = files.path().join("tokenizer.json");
    let mut json: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    let config = Object::open(&files.path().join("config.json")).unwrap();
    let size = config.count("vocab_size").unwrap();
    let mut beyond = json["added_tokens"][0].clone();
    (beyond["id"], beyond["content"]) = (size.into(), "[PAD]".into());
    json["added_tokens"].as_array_mut().unwrap().push(beyond);
    std::fs::write(&path, json.to_string()).unwrap();
    let tokenizer = TokenizerFiles::new(files.path(), &config).tokenizer(&TokenizerOptions::default()).unwrap();
    assert_eq!(tokenizer.len(), size);
    let warning = TokenizerWarning::BeyondVocabulary { id: size as u32, text: "[PAD]".to_owned(), tokens: size };
    assert_eq!(tokenizer.warnings(), [warning]);
}

/// A random tokenizer, texts, and what HF tokenizers gives for them.
#[derive(Deserialize)]
struct RandomCase {
    tokenizer: Value,
    texts: Vec<(String, Vec<u32>)>,
}

/// What is wrong with the ids of a tokenizer; nothing where it is refused by name.
fn differences(case: &RandomCase) -> Vec<String> {
    let folder = tempfile::tempdir().expect("a folder");
    let tokens = case.tokenizer["model"]["vocab"].as_object().map_or(0, serde_json::Map::len);
    let config = json!({ "vocab_size": tokens + 8 }).to_string();
    std::fs::write(folder.path().join(FILE), case.tokenizer.to_string()).expect("tokenizer.json");
    std::fs::write(folder.path().join("config.json"), config).expect("config.json");
    let config = Object::open(&folder.path().join("config.json")).expect("config.json");
    let tokenizer = TokenizerFiles::new(folder.path(), &config).tokenizer(&TokenizerOptions::default());
    let tokenizer = match tokenizer {
        Ok(tokenizer) => tokenizer,
        Err(error) => return vec![format!("refused: {error}")],
    };
    let options = EncodeOptions { parse_special: true, ..EncodeOptions::PLAIN };
    let differs = |(text, expected): &(String, Vec<u32>)| match tokenizer.encode(text, options) {
        Ok(ids) if ids == *expected => None,
        found => Some(format!("{text:?}: {found:?}, expected {expected:?} by {}", case.tokenizer)),
    };
    case.texts.iter().filter_map(differs).collect()
}

/// `tools/tokenizer/random_tokenizers.py` writes the sample, and as many as one likes into `models`.
#[test]
fn random_tokenizers_give_the_ids_of_hf_tokenizers() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let sample = root.join("tests/fixtures/tokenizer/random.json");
    let more = Some(root.join("models/tokenizer/random.json")).filter(|path| path.exists());
    for path in [sample].into_iter().chain(more) {
        let cases: Vec<RandomCase> = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
        assert!(cases.len() >= 80);
        let wrong: Vec<String> = cases.iter().flat_map(differences).collect();
        let shown = wrong.iter().take(5).cloned().collect::<Vec<_>>().join("\n");
        assert!(wrong.is_empty(), "{} of {} cases:\n{shown}", wrong.len(), cases.len());
    }
}

/// That directory with another entry in one of its files, at a JSON pointer.
fn with_entry(file: &str, pointer: &str, value: Value) -> tempfile::TempDir {
    let folder = qwen();
    let path = folder.path().join(file);
    let mut json: Value =
        std::fs::read(&path).map_or_else(|_| json!({}), |bytes| serde_json::from_slice(&bytes).unwrap());
    let (outer, key) = pointer.rsplit_once('/').unwrap();
    json.pointer_mut(outer).unwrap()[key] = value;
    std::fs::write(path, json.to_string()).unwrap();
    folder
}

fn data_of(folder: &tempfile::TempDir) -> (VocabularyData, Vec<TokenizerWarning>) {
    let config = Object::open(&folder.path().join("config.json")).expect("config.json");
    TokenizerFiles::new(folder.path(), &config).vocabulary(&TokenizerOptions::default()).unwrap()
}

#[test]
fn entries_that_nothing_reads_are_named_with_their_file() {
    for (file, pointer, value, name) in [
        (FILE, "/new", json!(1), "new"),
        (FILE, "/model/new", json!({ "a": 1 }), "model.new"),
        (FILE, "/added_tokens/1/new", json!(null), "added_tokens.new"),
        (SETTINGS, "/new", json!("x"), "new"),
        // transformers puts a space before a text then, whatever tokenizer.json says.
        (SETTINGS, "/add_prefix_space", json!(true), "add_prefix_space"),
        (GENERATION, "/stop_strings", json!(["a"]), "stop_strings"),
        (GENERATION, "/suppress_tokens", json!([3]), "suppress_tokens"),
    ] {
        let (_, warnings) = data_of(&with_entry(file, pointer, value));
        assert_eq!(warnings, [TokenizerWarning::UnknownEntries { file, entries: vec![name.to_owned()] }], "{pointer}");
    }
}

#[test]
fn entries_that_ask_for_nothing_or_are_knowingly_ignored_are_not() {
    for (file, pointer, value) in [
        (SETTINGS, "/add_prefix_space", json!(false)),
        (SETTINGS, "/new", json!(null)),
        (SETTINGS, "/new", json!([])),
        (SETTINGS, "/model_max_length", json!(4096)),
        (GENERATION, "/temperature", json!(0.6)),
        (GENERATION, "/eos_token_id", json!([ADDED, ADDED + 2])),
        (FILE, "/truncation", json!({ "max_length": 3 })),
    ] {
        assert_eq!(data_of(&with_entry(file, pointer, value)).1, [], "{pointer}");
    }
}

#[test]
fn what_a_gguf_file_cannot_say_is_named() {
    let (data, _) = data_of(&qwen());
    assert_eq!(data.not_in_gguf(), [NotInGguf::Nfc]);
    for flag in ["lstrip", "rstrip", "single_word", "normalized"] {
        let folder = with_entry(FILE, &format!("/added_tokens/3/{flag}"), json!(true));
        let lost = NotInGguf::AddedTokens { first: "<think>".to_owned(), tokens: 1 };
        assert_eq!(data_of(&folder).0.not_in_gguf(), [NotInGguf::Nfc, lost], "{flag}");
    }
    for (prepend, lost) in [(Prepend::First, 1), (Prepend::Always, 1), (Prepend::Never, 0)] {
        let metaspace = Some(Metaspace { prepend, split: true });
        let data = VocabularyData { metaspace, ..VocabularyData::default() };
        assert_eq!(data.not_in_gguf().len(), lost, "{prepend:?}");
    }
    // Where nothing normalizes text, it does not matter in which text a token is looked for.
    let added = |lstrip, normalized| {
        vec![AddedToken { id: 0, lstrip, rstrip: false, single_word: false, normalized, mergeable: true }]
    };
    let of = |added| VocabularyData { tokens: vec!["a".to_owned()], added, ..VocabularyData::default() }.not_in_gguf();
    assert_eq!((of(added(false, true)).len(), of(added(true, false)).len()), (0, 1));
}
