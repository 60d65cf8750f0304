//! Entries of the tokenizer's files that nothing reads.
//!
//! What belongs here: the entries of `tokenizer_config.json` and `generation_config.json` that are read, those of all
//! three files that are knowingly not read and why. What does not: reading them; the entries of `tokenizer.json` that
//! are read, which are the fields of its types.

use super::{FILE, GENERATION, SETTINGS};
use crate::tokenizer::TokenizerWarning;
use serde_json::Value;
use std::collections::BTreeSet;
use trine_loader::json::Object;

/// Entries of `tokenizer.json` that change nothing, and why.
const IGNORED: [(&str, &str); 6] = [
    ("decoder", "the kind of vocabulary says how tokens become text"),
    ("model.dropout", TRAINING),
    ("model.fuse_unk", "of text without tokens, which a vocabulary of all bytes does not leave"),
    ("padding", BATCH),
    ("truncation", "a text that is too long is refused, not cut"),
    ("version", WRITER),
];

/// Entries of `tokenizer_config.json` that are read.
const READ_OF_SETTINGS: [&str; 11] = [
    "add_bos_token",
    "add_eos_token",
    "bos_token",
    "chat_template",
    "cls_token",
    "eos_token",
    "mask_token",
    "pad_token",
    "sep_token",
    "tokenizer_class",
    "unk_token",
];

/// Entries of `tokenizer_config.json` that change nothing, and why.
const IGNORED_OF_SETTINGS: [(&str, &str); 31] = [
    ("added_tokens_decoder", TWICE),
    ("additional_special_tokens", TWICE),
    ("auto_map", CODE),
    ("backend", CODE),
    ("clean_up_tokenization_spaces", "changes what a model wrote, which is shown as it is"),
    ("errors", "what is no UTF-8 is U+FFFD"),
    ("extra_special_tokens", TWICE),
    ("image_token", TWICE),
    ("is_local", CODE),
    ("legacy", SENTENCEPIECE),
    ("max_length", LENGTH),
    ("model_input_names", CODE),
    ("model_max_length", LENGTH),
    ("model_specific_special_tokens", TWICE),
    ("name_or_path", WRITER),
    ("pad_to_multiple_of", BATCH),
    ("pad_token_type_id", BATCH),
    ("padding_side", BATCH),
    ("processor_class", CODE),
    ("sp_model_kwargs", SENTENCEPIECE),
    ("spaces_between_special_tokens", "of decoding in Python"),
    ("special_tokens_map_file", WRITER),
    ("stride", LENGTH),
    ("tokenizer_file", WRITER),
    ("truncation_side", LENGTH),
    ("truncation_strategy", LENGTH),
    ("trust_remote_code", CODE),
    ("unsloth_fixed", WRITER),
    ("use_default_system_prompt", "of templates that transformers has in its code"),
    ("use_fast", CODE),
    ("vocab_size", "that of config.json counts"),
];

/// Entries of `generation_config.json` that are read.
const READ_OF_GENERATION: [&str; 2] = ["bos_token_id", "eos_token_id"];

/// Entries of `generation_config.json` that change nothing, and why.
const IGNORED_OF_GENERATION: [(&str, &str); 33] = [
    ("_from_model_config", WRITER),
    ("cache_implementation", CODE),
    ("chat_format", "`chat_template` says it"),
    ("diversity_penalty", CHOICE),
    ("do_sample", CHOICE),
    ("early_stopping", CHOICE),
    ("epsilon_cutoff", CHOICE),
    ("eta_cutoff", CHOICE),
    ("length_penalty", CHOICE),
    ("max_length", CHOICE),
    ("max_new_tokens", CHOICE),
    ("max_time", CHOICE),
    ("max_window_size", LENGTH),
    ("min_length", CHOICE),
    ("min_new_tokens", CHOICE),
    ("min_p", CHOICE),
    ("num_beam_groups", CHOICE),
    ("num_beams", CHOICE),
    ("num_return_sequences", CHOICE),
    ("output_attentions", CODE),
    ("output_hidden_states", CODE),
    ("output_logits", CODE),
    ("output_scores", CODE),
    ("pad_token_id", BATCH),
    ("penalty_alpha", CHOICE),
    ("repetition_penalty", CHOICE),
    ("return_dict_in_generate", CODE),
    ("temperature", CHOICE),
    ("top_k", CHOICE),
    ("top_p", CHOICE),
    ("transformers_version", WRITER),
    ("typical_p", CHOICE),
    ("use_cache", CODE),
];

const BATCH: &str = "prompts of a batch are not padded";
const CHOICE: &str = "who runs the model says how tokens are chosen, and how many";
const CODE: &str = "of the program that runs the model";
const LENGTH: &str = "a text that is too long is refused, not cut";
const SENTENCEPIECE: &str = "of making a tokenizer.json from a SentencePiece model";
const TRAINING: &str = "of training";
const TWICE: &str = "tokenizer.json has the same tokens";
const WRITER: &str = "of the program that wrote the file";

/// What should be known of entries that nothing reads: `unread` ones of `tokenizer.json`, and those of the files beside
/// it.
pub(super) fn unknown(
    unread: BTreeSet<String>,
    settings: &Object,
    generation: &Object,
    is_sentencepiece: bool,
) -> Vec<TokenizerWarning> {
    // A space before a text is put as the pre-tokenizer says; transformers lets the entry change a byte-level one.
    let is_space = |key: &str| is_sentencepiece && key == "add_prefix_space";
    let of = |object: &Object, read: &[&str], ignored: &[(&str, &str)]| -> Vec<String> {
        let unknown = object.iter().filter(|(key, value)| {
            asks_for_something(value) && !read.contains(key) && !is_ignored(key, ignored) && !is_space(key)
        });
        unknown.map(|(key, _)| key.to_owned()).collect()
    };
    let files = [
        (FILE, unread.into_iter().filter(|key| !is_ignored(key, &IGNORED)).collect()),
        (SETTINGS, of(settings, &READ_OF_SETTINGS, &IGNORED_OF_SETTINGS)),
        (GENERATION, of(generation, &READ_OF_GENERATION, &IGNORED_OF_GENERATION)),
    ];
    let named = files.into_iter().filter(|(_, entries): &(_, Vec<String>)| !entries.is_empty());
    named.map(|(file, entries)| TokenizerWarning::UnknownEntries { file, entries }).collect()
}

fn is_ignored(key: &str, ignored: &[(&str, &str)]) -> bool {
    ignored.iter().any(|(known, _)| *known == key)
}

/// Whether an entry switches something on: writers give the others too.
fn asks_for_something(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => false,
        Value::Array(items) => !items.is_empty(),
        Value::Object(entries) => !entries.is_empty(),
        Value::String(text) => !text.is_empty(),
        Value::Bool(true) | Value::Number(_) => true,
    }
}
