//! `tokenizer.json` and `tokenizer_config.json` as [`VocabularyData`], and the chat template. What the tokenizer here
//! does not do is refused by name. Whether the directory around them is a model does not belong here.
//!
//! Two kinds of `tokenizer.json` are read, both of model `BPE`: byte-level ones (Llama 3, GPT-2 and their like), and
//! those that transformers makes of a SentencePiece model (Llama 2), whose merges give the order of scores.
//! Source: the serialization of HF `tokenizers`.

mod entries;
mod pre;
#[cfg(test)]
mod tests;

use crate::chat::{ChatError, ChatTemplate};
use crate::tokenizer::{
    AddedToken, SpecialIds, TokenKind, Tokenizer, TokenizerError, TokenizerOptions, TokenizerWarning, VocabularyData,
};
use pre::Splitting;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;
use std::collections::{HashMap, HashSet};
use std::path::Path;
use trine_loader::json::{JsonError, Object, parse, shown, text};

/// `tokenizer.json`, as far as it decides on ids.
#[derive(Deserialize)]
struct TokenizerJson {
    #[serde(default)]
    added_tokens: Vec<AddedEntry>,
    #[serde(default)]
    normalizer: Value,
    #[serde(default)]
    pre_tokenizer: Value,
    #[serde(default)]
    post_processor: Value,
    model: Model,
}

#[derive(Deserialize)]
struct AddedEntry {
    id: u32,
    content: String,
    #[serde(default)]
    special: bool,
    #[serde(default)]
    lstrip: bool,
    #[serde(default)]
    rstrip: bool,
    #[serde(default)]
    single_word: bool,
    #[serde(default)]
    normalized: bool,
}

#[derive(Deserialize)]
struct Model {
    #[serde(rename = "type")]
    kind: Option<String>,
    #[serde(default)]
    vocab: Vocab,
    #[serde(default)]
    merges: Vec<Merge>,
    #[serde(default)]
    byte_fallback: bool,
    #[serde(default)]
    ignore_merges: bool,
    unk_token: Option<String>,
    continuing_subword_prefix: Option<String>,
    end_of_word_suffix: Option<String>,
}

/// Ids by text; models that are refused have lists.
#[derive(Deserialize)]
#[serde(untagged)]
enum Vocab {
    Ids(HashMap<String, u32>),
    Other(IgnoredAny),
}

impl Default for Vocab {
    fn default() -> Vocab {
        Vocab::Ids(HashMap::new())
    }
}

impl Vocab {
    fn get(&self, text: &str) -> Option<u32> {
        self.ids().and_then(|ids| ids.get(text).copied())
    }

    fn ids(&self) -> Option<&HashMap<String, u32>> {
        match self {
            Vocab::Ids(ids) => Some(ids),
            Vocab::Other(_) => None,
        }
    }
}

/// A merge as old and new versions write it.
#[derive(Deserialize)]
#[serde(untagged)]
enum Merge {
    Joined(String),
    Pair(String, String),
}

/// The file that a vocabulary is read from.
const FILE: &str = "tokenizer.json";

/// The file that names tokens with a role, and the chat template.
const SETTINGS: &str = "tokenizer_config.json";

/// The file that says how a generation ends.
const GENERATION: &str = "generation_config.json";

/// Most ids without a token: models keep some free, and round their number up.
const UNUSED: usize = 1 << 16;

/// What a directory as `save_pretrained` writes it has about text: the files of its tokenizer, and some entries of its
/// `config.json`.
#[derive(Clone, Copy, Debug)]
pub struct TokenizerFiles<'d> {
    directory: &'d Path,
    config: &'d Object,
}

impl<'d> TokenizerFiles<'d> {
    /// Those of `directory`, whose `config.json` is `config`. Nothing is read yet.
    pub fn new(directory: &'d Path, config: &'d Object) -> TokenizerFiles<'d> {
        TokenizerFiles { directory, config }
    }

    /// Whether there is a vocabulary, `tokenizer.json`.
    pub fn has_vocabulary(&self) -> bool {
        self.directory.join(FILE).exists()
    }

    /// The tokenizer.
    ///
    /// # Errors
    /// [`TokenizerError`] with the file and the entry that is missing, of the wrong type, inconsistent or unknown here.
    pub fn tokenizer(&self, options: &TokenizerOptions) -> Result<Tokenizer, TokenizerError> {
        let (data, warnings) = self.vocabulary(options)?;
        Ok(self.tokenizer_of(data)?.with_warnings(warnings))
    }

    /// The tokenizer of [`vocabulary`](TokenizerFiles::vocabulary), without reading the files again.
    ///
    /// # Errors
    /// [`TokenizerError`] with the file and what of the vocabulary is inconsistent.
    pub fn tokenizer_of(&self, vocabulary: VocabularyData) -> Result<Tokenizer, TokenizerError> {
        let file = || self.directory.join(FILE).display().to_string();
        let in_file = |problem| TokenizerError::File { file: file(), problem: Box::new(problem) };
        Tokenizer::from_data(vocabulary).map_err(in_file)
    }

    /// The vocabulary as plain data, and what a user should know about it.
    ///
    /// # Errors
    /// [`TokenizerError`] as of [`TokenizerFiles::tokenizer`].
    pub fn vocabulary(
        &self,
        options: &TokenizerOptions,
    ) -> Result<(VocabularyData, Vec<TokenizerWarning>), TokenizerError> {
        let path = self.directory.join(FILE);
        let (mut json, unread) = parse::<TokenizerJson>(&path)?;
        let in_file = |problem| TokenizerError::File { file: path.display().to_string(), problem: Box::new(problem) };
        let (settings, generation) = (self.settings()?, self.generation()?);
        let special = special_tokens(&json, &settings, self.config, &generation).map_err(|error| match error {
            TokenizerError::Unsupported { .. } => in_file(error),
            other => other,
        })?;
        let known = json.model.vocab.ids().map_or(0, HashMap::len) + json.added_tokens.len();
        let size = self.config.count_up_to(
            "vocab_size",
            known.saturating_add(UNUSED),
            "at most 65536 more than tokenizer.json has tokens",
        )?;
        let mut warnings = entries::unknown(unread, &settings, &generation, json.model.byte_fallback);
        json.added_tokens.retain(|token| {
            let is_inside = (token.id as usize) < size;
            if !is_inside {
                let (id, text) = (token.id, token.content.clone());
                warnings.push(TokenizerWarning::BeyondVocabulary { id, text, tokens: size });
            }
            is_inside
        });
        let data = vocabulary(json, size, special, options.pre.as_deref()).map_err(in_file)?;
        if options.pre.is_some() && data.pre.is_none() {
            warnings.push(TokenizerWarning::PreIgnored { model: data.model.clone() });
        }
        Ok((data, warnings))
    }

    /// The chat template. `tokenizer` names the tokens that it writes.
    ///
    /// # Errors
    /// [`ChatError::Missing`] where there is none, [`ChatError::InFile`] where it is not valid, [`ChatError::Json`]
    /// where a file cannot be read.
    pub fn chat_template(&self, tokenizer: &Tokenizer) -> Result<ChatTemplate, ChatError> {
        let source = self.chat_template_source()?;
        ChatTemplate::in_file(&self.directory.display().to_string(), source.as_deref(), tokenizer, self.named_tokens()?)
    }

    /// The source of the chat template: `chat_template.jinja`, or that in `tokenizer_config.json`, there the one named
    /// `default` of several.
    ///
    /// # Errors
    /// [`ChatError::Json`] where a file cannot be read.
    pub fn chat_template_source(&self) -> Result<Option<String>, ChatError> {
        if let Some(template) = text(&self.directory.join("chat_template.jinja"))? {
            return Ok(Some(template));
        }
        let settings = self.settings()?;
        if let Some(Value::Array(templates)) = settings.get("chat_template") {
            let default = templates.iter().find(|template| template["name"] == "default");
            return Ok(default.and_then(|template| template["template"].as_str()).map(str::to_owned));
        }
        Ok(settings.opt_text("chat_template")?.map(str::to_owned))
    }

    /// The entries of `generation_config.json`, which HF transformers puts above those of `config.json`.
    fn generation(&self) -> Result<Object, JsonError> {
        Object::open_optional(&self.directory.join(GENERATION))
    }

    /// The texts of tokens that `tokenizer_config.json` names and templates ask for.
    fn named_tokens(&self) -> Result<Vec<(String, String)>, JsonError> {
        let settings = self.settings()?;
        let text = |name: &str| Some((name.to_owned(), named_text(&settings, name)?.to_owned()));
        Ok(["pad_token", "unk_token", "sep_token", "cls_token", "mask_token"].into_iter().filter_map(text).collect())
    }

    fn settings(&self) -> Result<Object, JsonError> {
        Object::open_optional(&self.directory.join(SETTINGS))
    }
}

fn unsupported(key: &'static str, found: String, expected: &'static str) -> TokenizerError {
    TokenizerError::Unsupported { key, found, expected }
}

/// The text of a token that `tokenizer_config.json` names: a text, or an object that describes an added token.
fn named_text<'s>(settings: &'s Object, name: &str) -> Option<&'s str> {
    let value = settings.get(name)?;
    value.as_str().or_else(|| value.get("content")?.as_str())
}

/// Ids of tokens with a role, and which of them stand at the ends of a text.
struct Special {
    ids: SpecialIds,
    further_ends: Vec<u32>,
    add_bos: bool,
    add_eos: bool,
}

fn special_tokens(
    json: &TokenizerJson,
    settings: &Object,
    config: &Object,
    generation: &Object,
) -> Result<Special, TokenizerError> {
    let id_of = |text: &str| {
        let added = json.added_tokens.iter().find(|token| token.content == text).map(|token| token.id);
        added.or_else(|| json.model.vocab.get(text))
    };
    let named = |key: &str| id_of(named_text(settings, key)?);
    let numbers = |key: &str| -> Vec<u32> {
        let number = |value: &Value| value.as_u64().and_then(|id| u32::try_from(id).ok());
        match generation.get(key).or_else(|| config.get(key)) {
            Some(Value::Array(ids)) => ids.iter().filter_map(number).collect(),
            value => value.and_then(number).into_iter().collect(),
        }
    };
    let bos = named("bos_token").or(numbers("bos_token_id").first().copied());
    let mut ends = numbers("eos_token_id");
    let eos = named("eos_token").or(ends.first().copied());
    ends.retain(|id| Some(*id) != eos);
    let unknown = json.model.unk_token.as_deref().and_then(id_of);
    let (eot, eom) = (ends.first().copied(), ends.get(1).copied());
    let further_ends = ends.into_iter().skip(2).collect();
    let ids = SpecialIds { bos, eos, eot, eom, unknown, ..SpecialIds::default() };
    let (mut add_bos, mut add_eos) = ends_of_text(&json.post_processor, &|text| id_of(text), &ids)?;
    // The classes for Llama 2 replace the post-processor by what these flags say.
    if settings.opt_text("tokenizer_class")?.is_some_and(|class| class.starts_with("LlamaTokenizer")) {
        add_bos = settings.opt_bool("add_bos_token")?.unwrap_or(add_bos);
        add_eos = settings.opt_bool("add_eos_token")?.unwrap_or(add_eos);
    }
    Ok(Special { ids, further_ends, add_bos, add_eos })
}

/// Whether BOS stands before a text, and EOS after it, as the post-processor has it for one text.
fn ends_of_text(
    processor: &Value,
    id_of: &dyn Fn(&str) -> Option<u32>,
    ids: &SpecialIds,
) -> Result<(bool, bool), TokenizerError> {
    const KEY: &str = "post_processor";
    let other = |found: &Value| {
        let expected = "BOS before a text, EOS after it, both or none";
        Err(unsupported(KEY, shown(found), expected))
    };
    match processor["type"].as_str() {
        None | Some("ByteLevel") => Ok((false, false)),
        Some("Sequence") => {
            let mut ends = (false, false);
            for processor in processor["processors"].as_array().into_iter().flatten() {
                let (bos, eos) = ends_of_text(processor, id_of, ids)?;
                ends = (ends.0 | bos, ends.1 | eos);
            }
            Ok(ends)
        }
        Some("TemplateProcessing") => {
            let items = processor["single"].as_array().map_or(&[][..], Vec::as_slice);
            let Some(text) = items.iter().position(|item| item.get("Sequence").is_some()) else {
                return other(&processor["single"]);
            };
            let is = |item: &Value, id: Option<u32>| {
                id.is_some() && item["SpecialToken"]["id"].as_str().and_then(id_of) == id
            };
            match (&items[..text], &items[text + 1..]) {
                ([], []) => Ok((false, false)),
                ([bos], []) if is(bos, ids.bos) => Ok((true, false)),
                ([], [eos]) if is(eos, ids.eos) => Ok((false, true)),
                ([bos], [eos]) if is(bos, ids.bos) && is(eos, ids.eos) => Ok((true, true)),
                _ => other(&processor["single"]),
            }
        }
        Some(_) => other(processor),
    }
}

/// The vocabulary as plain data.
fn vocabulary(
    json: TokenizerJson,
    size: usize,
    special: Special,
    asked: Option<&str>,
) -> Result<VocabularyData, TokenizerError> {
    let TokenizerJson { added_tokens, normalizer, pre_tokenizer, model, .. } = json;
    match model.kind.as_deref() {
        Some("BPE") => {}
        // Files of old versions do not say it.
        None if !model.merges.is_empty() => {}
        kind => return Err(unsupported("model.type", format!("{kind:?}"), "`BPE`")),
    }
    if model.vocab.ids().is_none() {
        return Err(unsupported("model.vocab", "something else".to_owned(), "numbers from 0 by text"));
    }
    for (key, affix) in [
        ("model.continuing_subword_prefix", &model.continuing_subword_prefix),
        ("model.end_of_word_suffix", &model.end_of_word_suffix),
    ] {
        if let Some(found) = affix.as_ref().filter(|affix| !affix.is_empty()) {
            return Err(unsupported(key, format!("{found:?}"), "none"));
        }
    }
    let Splitting { pre, add_space_prefix, metaspace, nfc } =
        pre::splitting(&normalizer, &pre_tokenizer, model.byte_fallback, model.ignore_merges, asked)?;
    let flags = |token: &AddedEntry| AddedToken {
        id: token.id,
        lstrip: token.lstrip,
        rstrip: token.rstrip,
        single_word: token.single_word,
        normalized: token.normalized,
        mergeable: model.vocab.get(&token.content).is_some(),
    };
    if pre.is_none() && metaspace.is_none() && added_tokens.iter().any(|token| token.normalized) {
        let expected = "false where the normalizer replaces spaces";
        return Err(unsupported("added_tokens.normalized", "true".to_owned(), expected));
    }
    let (tokens, types) = tokens(&model, &added_tokens, size, pre.is_none())?;
    let merges = last_of_each(model.merges.iter().map(Merge::parts).collect::<Result<_, _>>()?);
    let mut data = VocabularyData {
        tokens,
        token_types: Some(types.into_iter().map(|kind| kind as i32).collect()),
        special: special.ids,
        further_ends: special.further_ends,
        add_bos: Some(special.add_bos),
        add_eos: Some(special.add_eos),
        added: added_tokens.iter().map(flags).collect(),
        metaspace,
        nfc,
        ..VocabularyData::default()
    };
    match pre {
        Some(pre) => {
            data.model = "gpt2".to_owned();
            data.pre = Some(pre);
            data.merges = Some(merges.iter().map(|(left, right)| format!("{left} {right}")).collect());
        }
        None => {
            data.model = "llama".to_owned();
            data.scores = Some(scores(&data.tokens, &merges));
            data.add_space_prefix = Some(add_space_prefix);
        }
    }
    Ok(data)
}

impl Merge {
    fn parts(&self) -> Result<(&str, &str), TokenizerError> {
        match self {
            Merge::Pair(left, right) => Ok((left, right)),
            Merge::Joined(joined) => {
                let found = || unsupported("model.merges", format!("{joined:?}"), "two tokens with a space between");
                joined.split_once(' ').ok_or_else(found)
            }
        }
    }
}

/// Merges without those that stand again further down: the last place counts, as in HF `tokenizers`.
fn last_of_each<'m>(mut merges: Vec<(&'m str, &'m str)>) -> Vec<(&'m str, &'m str)> {
    let mut seen = HashSet::with_capacity(merges.len());
    merges.reverse();
    merges.retain(|merge| seen.insert(*merge));
    merges.reverse();
    merges
}

/// Texts and kinds by id. Ids without a token, up to the vocabulary that `config.json` gives the model, are unused.
fn tokens(
    model: &Model,
    added: &[AddedEntry],
    size: usize,
    has_byte_tokens: bool,
) -> Result<(Vec<String>, Vec<TokenKind>), TokenizerError> {
    let mut tokens = vec![String::new(); size];
    let mut kinds = vec![TokenKind::Unused; size];
    let given = model.vocab.ids().into_iter().flatten().map(|(text, id)| (text, *id));
    for (text, id) in given.chain(added.iter().map(|token| (&token.content, token.id))) {
        let place = tokens.get_mut(id as usize).ok_or_else(|| TokenizerError::TokenOutOfRange {
            id,
            text: text.clone(),
            tokens: size,
        })?;
        if !place.is_empty() && place != text {
            return Err(TokenizerError::SameId { id, first: place.clone(), second: text.clone() });
        }
        place.clone_from(text);
        let is_byte = || has_byte_tokens && text.len() == 6 && text.starts_with("<0x") && text.ends_with('>');
        kinds[id as usize] = if is_byte() { TokenKind::Byte } else { TokenKind::Normal };
    }
    for token in added {
        kinds[token.id as usize] = match token.special {
            true if model.unk_token.as_ref() == Some(&token.content) => TokenKind::Unknown,
            true => TokenKind::Control,
            false => TokenKind::UserDefined,
        };
    }
    Ok((tokens, kinds))
}

/// Scores that order merges as the list does: a token's score falls with the place of the first merge that makes it.
fn scores(tokens: &[String], merges: &[(&str, &str)]) -> Vec<f32> {
    let mut ranks: HashMap<String, usize> = HashMap::with_capacity(merges.len());
    for (rank, (left, right)) in merges.iter().enumerate() {
        ranks.entry([*left, *right].concat()).or_insert(rank);
    }
    // What no merge makes comes last.
    tokens.iter().map(|text| -(ranks.get(text).copied().unwrap_or(merges.len()) as f32)).collect()
}
