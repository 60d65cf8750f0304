//! How a `tokenizer.json` cuts text before merging, as the name of a pre-tokenizer, or as SentencePiece.

use super::unsupported;
use crate::tokenizer::{Metaspace, Prepend, TokenizerError};
use serde_json::Value;
use trine_loader::json::shown;

/// How text is cut.
pub(super) struct Splitting {
    /// The name of the pre-tokenizer of a byte-level vocabulary; `None` for SentencePiece.
    pub pre: Option<String>,
    /// Whether SentencePiece puts a space before a text.
    pub add_space_prefix: bool,
    /// How the pre-tokenizer `Metaspace` puts it, where that does.
    pub metaspace: Option<Metaspace>,
    /// Whether text is brought to NFC first.
    pub nfc: bool,
}

/// The expression of Llama 3 in `tokenizer.json`.
const LLAMA3: &str = concat!(
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}|",
    r" ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
);

/// The same with each digit apart (Qwen 2).
const QWEN2: &str = concat!(
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}|",
    r" ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
);

const NORMALIZER: &str = "normalizer";
const PRE_TOKENIZER: &str = "pre_tokenizer";

/// The mark that SentencePiece puts for a space.
const SPACE: &str = "\u{2581}";

/// Reads normalizer and pre-tokenizer of a BPE model. A byte-level one is cut as `asked`, where that is named.
pub(super) fn splitting(
    normalizer: &Value,
    pre_tokenizer: &Value,
    byte_fallback: bool,
    ignore_merges: bool,
    asked: Option<&str>,
) -> Result<Splitting, TokenizerError> {
    if byte_fallback {
        return sentencepiece(normalizer, pre_tokenizer);
    }
    let nfc = is_nfc(normalizer)?;
    let pre = match asked {
        Some(asked) => asked.to_owned(),
        None => byte_level(pre_tokenizer, ignore_merges)?.to_owned(),
    };
    Ok(Splitting { pre: Some(pre), add_space_prefix: false, metaspace: None, nfc })
}

/// The steps of a sequence, or the one step there is.
fn steps<'v>(value: &'v Value, list: &str) -> Vec<&'v Value> {
    match value["type"].as_str() {
        None => Vec::new(),
        Some("Sequence") => value[list].as_array().into_iter().flatten().collect(),
        Some(_) => vec![value],
    }
}

fn kind(step: &Value) -> &str {
    step["type"].as_str().unwrap_or_default()
}

/// Whether the normalizer of a byte-level vocabulary is NFC; the only other one is none.
fn is_nfc(normalizer: &Value) -> Result<bool, TokenizerError> {
    match steps(normalizer, "normalizers")[..] {
        [] => Ok(false),
        [step] if kind(step) == "NFC" => Ok(true),
        _ => Err(unsupported(NORMALIZER, shown(normalizer), "none or `NFC`")),
    }
}

/// The name of a byte-level vocabulary's pre-tokenizer.
fn byte_level(pre_tokenizer: &Value, ignore_merges: bool) -> Result<&'static str, TokenizerError> {
    let steps = steps(pre_tokenizer, "pretokenizers");
    let expected = "`ByteLevel` after nothing, after `Digits`, or after a `Split` by the expression of Llama 3 or \
                    Qwen 2 (--pre takes another pre-tokenizer instead)";
    let other = || Err(unsupported(PRE_TOKENIZER, shown(pre_tokenizer), expected));
    let Some((bytes, before)) = steps.split_last().filter(|(last, _)| kind(last) == "ByteLevel") else {
        return other();
    };
    // Both flags are true where the file does not say (`tokenizers`).
    let flag = |key: &str| bytes[key].as_bool().unwrap_or(true);
    if flag("add_prefix_space") {
        return Err(unsupported("pre_tokenizer.add_prefix_space", "true".to_owned(), "false"));
    }
    match (before, flag("use_regex"), ignore_merges) {
        ([], true, false) => Ok("gpt-2"),
        ([digits], true, false) if kind(digits) == "Digits" && digits["individual_digits"] == true => Ok("smollm"),
        ([split], false, _) if is_isolating(split) => match (split["pattern"]["Regex"].as_str(), ignore_merges) {
            (Some(LLAMA3), true) => Ok("llama-bpe"),
            (Some(LLAMA3), false) => Ok("dbrx"),
            (Some(QWEN2), false) => Ok("qwen2"),
            _ => other(),
        },
        _ => other(),
    }
}

/// Whether a `Split` makes words of matches and of what is between them.
fn is_isolating(split: &Value) -> bool {
    kind(split) == "Split" && split["behavior"] == "Isolated" && split["invert"] != true
}

fn sentencepiece(normalizer: &Value, pre_tokenizer: &Value) -> Result<Splitting, TokenizerError> {
    let is_replace =
        |step: &Value| kind(step) == "Replace" && step["pattern"]["String"] == " " && step["content"] == SPACE;
    let is_prepend = |step: &Value| kind(step) == "Prepend" && step["prepend"] == SPACE;
    let in_normalizer = match steps(normalizer, "normalizers")[..] {
        [] => None,
        [first, second] if is_prepend(first) && is_replace(second) => Some(true),
        [step] if is_replace(step) => Some(false),
        _ => {
            let expected = "none, or spaces replaced by U+2581 with one put before or not";
            return Err(unsupported(NORMALIZER, shown(normalizer), expected));
        }
    };
    let in_pre_tokenizer = match steps(pre_tokenizer, "pretokenizers")[..] {
        [] => None,
        [step] if kind(step) == "Metaspace" && step["replacement"] == SPACE => {
            let prepend = match (step["prepend_scheme"].as_str(), step["add_prefix_space"].as_bool()) {
                (Some("first"), _) => Prepend::First,
                (Some("never"), _) | (None, Some(false)) => Prepend::Never,
                (Some("always") | None, _) => Prepend::Always,
                (Some(other), _) => {
                    let expected = "`first`, `always` or `never`";
                    return Err(unsupported("pre_tokenizer.prepend_scheme", format!("`{other}`"), expected));
                }
            };
            Some(Metaspace { prepend, split: step["split"].as_bool().unwrap_or(true) })
        }
        _ => {
            let expected = "none or `Metaspace`, for a model with byte_fallback";
            return Err(unsupported(PRE_TOKENIZER, shown(pre_tokenizer), expected));
        }
    };
    let splitting = |add_space_prefix, metaspace| Splitting { pre: None, add_space_prefix, metaspace, nfc: false };
    match (in_normalizer, in_pre_tokenizer) {
        (Some(prefix), None) => Ok(splitting(prefix, None)),
        (None, Some(metaspace)) => Ok(splitting(metaspace.prepend != Prepend::Never, Some(metaspace))),
        _ => {
            let expected = "`Metaspace`, or a normalizer that replaces spaces, for a model with byte_fallback";
            Err(unsupported(PRE_TOKENIZER, shown(pre_tokenizer), expected))
        }
    }
}
