//! The tokens of a file: their texts, kinds, scores and special ids, checked for consistency, and the plain data from
//! which they are made. Nothing here splits text; nothing here reads files (that is `gguf.rs`).

use std::collections::HashMap;

use super::error::TokenizerError;

/// The tokenizer part of a file's metadata, as plain data: a field is a key of `tokenizer.ggml.*`, but for the last.
#[derive(Clone, Debug, Default)]
pub struct VocabularyData {
    /// `model`: `gpt2` is byte-level BPE, `llama` is SentencePiece.
    pub model: String,
    /// `pre`: name of the pre-tokenizer, for BPE.
    pub pre: Option<String>,
    /// `tokens`: the text of each token; its position is its id.
    pub tokens: Vec<String>,
    /// `token_type`: one number of [`TokenKind`] for each token; without it every token is normal.
    pub token_types: Option<Vec<i32>>,
    /// `scores`: for SentencePiece, where a higher score merges first.
    pub scores: Option<Vec<f32>>,
    /// `merges`: for BPE, `left right`, best first.
    pub merges: Option<Vec<String>>,
    /// Ids of the tokens with a role.
    pub special: SpecialIds,
    /// Further tokens that end a generation, where a model has more than there are roles for:
    /// [`VocabularyData::FURTHER_ENDS`].
    pub further_ends: Vec<u32>,
    /// `add_bos_token`.
    pub add_bos: Option<bool>,
    /// `add_eos_token`.
    pub add_eos: Option<bool>,
    /// `add_space_prefix`, for SentencePiece.
    pub add_space_prefix: Option<bool>,
    /// Added tokens of a `tokenizer.json` with their flags, for which a GGUF file has no keys. Without them special
    /// tokens are looked for as llama.cpp does.
    pub added: Vec<AddedToken>,
    /// How the pre-tokenizer `Metaspace` of a `tokenizer.json` puts spaces; a GGUF file has `add_space_prefix` alone.
    pub metaspace: Option<Metaspace>,
    /// Whether text between special tokens is brought to Unicode's form NFC before it is cut. A `tokenizer.json` may
    /// say so; a GGUF file has no key for it, and llama.cpp does not do it.
    pub nfc: bool,
}

impl VocabularyData {
    /// The key of [`further_ends`](VocabularyData::further_ends). No other engine has one for them.
    pub const FURTHER_ENDS: &str = "trine.tokenizer.eos_token_ids";

    /// The vocabulary of a model without a tokenizer: `size` made-up tokens. `none` is llama.cpp's word for it.
    pub fn placeholders(size: usize) -> VocabularyData {
        let tokens = (0..size).map(|id| format!("<{id}>")).collect();
        VocabularyData { model: "none".to_owned(), tokens, ..VocabularyData::default() }
    }
}

/// How an added token is found in a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AddedToken {
    /// The token.
    pub id: u32,
    /// It takes the spaces before it along.
    pub lstrip: bool,
    /// It takes the spaces behind it along.
    pub rstrip: bool,
    /// It is no part of a word.
    pub single_word: bool,
    /// It is looked for in the normalized text.
    pub normalized: bool,
    /// It is in the model's own vocabulary too, so that text may become it by merging.
    pub mergeable: bool,
}

/// What the pre-tokenizer `Metaspace` does: a space becomes a mark, and one is put before a text that has none there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Metaspace {
    /// Which texts get a mark.
    pub prepend: Prepend,
    /// Nothing merges across the beginning of a mark.
    pub split: bool,
}

/// Which stretches of text between added tokens get a mark.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Prepend {
    /// None.
    Never,
    /// The one with which the whole text begins.
    First,
    /// All.
    Always,
}

/// Ids of the tokens with a role, each from the key in its description.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SpecialIds {
    /// `bos_token_id`: begins a text.
    pub bos: Option<u32>,
    /// `eos_token_id`: ends a text.
    pub eos: Option<u32>,
    /// `eot_token_id`: ends a turn.
    pub eot: Option<u32>,
    /// `eom_token_id`: ends a message.
    pub eom: Option<u32>,
    /// `unknown_token_id`: stands for text that has no token.
    pub unknown: Option<u32>,
    /// `fim_pad_token_id`: pads a text with a hole; a model that prints it has ended.
    pub fim_pad: Option<u32>,
    /// `fim_rep_token_id`: begins another repository.
    pub fim_rep: Option<u32>,
    /// `fim_sep_token_id`: begins another file.
    pub fim_sep: Option<u32>,
}

impl SpecialIds {
    /// Every role with the key that names it.
    pub fn roles(&self) -> [(&'static str, Option<u32>); 8] {
        [
            ("tokenizer.ggml.bos_token_id", self.bos),
            ("tokenizer.ggml.eos_token_id", self.eos),
            ("tokenizer.ggml.eot_token_id", self.eot),
            ("tokenizer.ggml.eom_token_id", self.eom),
            ("tokenizer.ggml.unknown_token_id", self.unknown),
            ("tokenizer.ggml.fim_pad_token_id", self.fim_pad),
            ("tokenizer.ggml.fim_rep_token_id", self.fim_rep),
            ("tokenizer.ggml.fim_sep_token_id", self.fim_sep),
        ]
    }
}

/// What a token is for; the numbers are those of `tokenizer.ggml.token_type`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenKind {
    /// 0: no type given; never matched in text, printed as nothing.
    Undefined,
    /// 1: a piece of text.
    Normal,
    /// 2: stands for text without a token.
    Unknown,
    /// 3: steers the model (`<s>`, `<|eot_id|>`); not part of the text.
    Control,
    /// 4: a literal piece of text that is matched before all others.
    UserDefined,
    /// 5: a place kept free.
    Unused,
    /// 6: one byte, written `<0x0A>`.
    Byte,
}

impl TokenKind {
    /// The kind with this number, if there is one.
    pub fn from_number(number: i32) -> Option<TokenKind> {
        use TokenKind::*;
        [Undefined, Normal, Unknown, Control, UserDefined, Unused, Byte].get(usize::try_from(number).ok()?).copied()
    }
}

/// Checked tokens: every text once, every token with a kind, every special id inside.
#[derive(Debug)]
pub struct Vocabulary {
    tokens: Vec<String>,
    kinds: Vec<TokenKind>,
    ids: HashMap<String, u32>,
    special: SpecialIds,
    further_ends: Vec<u32>,
}

impl Vocabulary {
    /// Checks the tokens, their types and the special ids.
    ///
    /// Tokens with an empty text are legal (writers pad vocabularies with them) but match nothing. Tokens that are
    /// known to end a generation are [`TokenKind::Control`] whatever the file says.
    ///
    /// # Errors
    /// [`TokenizerError`] where the vocabulary is empty, a text stands twice, the list of types has another length, a
    /// type is unknown, a byte token has no byte, or a special id lies outside.
    pub fn new(
        tokens: Vec<String>,
        token_types: Option<&[i32]>,
        special: SpecialIds,
        further_ends: Vec<u32>,
    ) -> Result<Vocabulary, TokenizerError> {
        if tokens.is_empty() {
            return Err(TokenizerError::EmptyVocabulary);
        }
        let limit = i32::MAX as usize;
        if tokens.len() > limit {
            return Err(TokenizerError::TooManyTokens { found: tokens.len(), limit });
        }
        let mut kinds = read_kinds(tokens.len(), token_types)?;
        let mut ids = HashMap::with_capacity(tokens.len());
        for (id, text) in (0u32..).zip(&tokens) {
            if text.is_empty() {
                continue;
            }
            if let Some(first) = ids.insert(text.clone(), id) {
                return Err(TokenizerError::DuplicateToken { text: text.clone(), first, second: id });
            }
            if kinds[id as usize] == TokenKind::Byte && byte_of_token(text).is_none() {
                return Err(TokenizerError::BadByteToken { id, text: text.clone() });
            }
            if END_OF_GENERATION.contains(&text.as_str()) {
                kinds[id as usize] = TokenKind::Control;
            }
        }
        let further = further_ends.iter().map(|id| (VocabularyData::FURTHER_ENDS, Some(*id)));
        for (key, id) in special.roles().into_iter().chain(further) {
            if let Some(id) = id.filter(|&id| id as usize >= tokens.len()) {
                return Err(TokenizerError::SpecialOutOfRange { key, id, tokens: tokens.len() });
            }
        }
        Ok(Vocabulary { tokens, kinds, ids, special, further_ends })
    }

    /// Number of tokens.
    pub fn len(&self) -> usize {
        self.tokens.len()
    }

    /// Always false: an empty vocabulary is refused.
    pub fn is_empty(&self) -> bool {
        self.tokens.is_empty()
    }

    /// The text of a token as the file holds it.
    pub fn text(&self, id: u32) -> Option<&str> {
        self.tokens.get(id as usize).map(String::as_str)
    }

    /// The kind of a token.
    pub fn kind(&self, id: u32) -> Option<TokenKind> {
        self.kinds.get(id as usize).copied()
    }

    /// The id of the token with exactly this text.
    pub fn id(&self, text: &str) -> Option<u32> {
        self.ids.get(text).copied()
    }

    /// Tokens with a text, as `(id, text)`, by id.
    pub fn iter(&self) -> impl Iterator<Item = (u32, &str)> {
        (0u32..).zip(&self.tokens).filter(|(_, text)| !text.is_empty()).map(|(id, text)| (id, text.as_str()))
    }

    /// Ids of the tokens with a role.
    pub fn special(&self) -> &SpecialIds {
        &self.special
    }

    /// Ids after which nothing more is to be printed, ascending: the file's end of text, of turn and of message, its
    /// separators of files, and tokens whose name says that they end something.
    pub fn end_of_generation(&self) -> Vec<u32> {
        let SpecialIds { eos, eot, eom, fim_pad, fim_rep, fim_sep, .. } = self.special;
        let named = END_OF_GENERATION.iter().chain(&FILE_SEPARATORS).filter_map(|name| self.id(name));
        let of_roles = [eos, eot, eom, fim_pad, fim_rep, fim_sep].into_iter().flatten();
        let mut ids: Vec<u32> = of_roles.chain(self.further_ends.iter().copied()).chain(named).collect();
        ids.sort_unstable();
        ids.dedup();
        ids
    }
}

/// Names that end a generation in the families that use them (the list that llama.cpp keeps in `llama-vocab.cpp`).
const END_OF_GENERATION: [&str; 15] = [
    "</s>",
    "<eos>",
    "<EOT>",
    "_<EOT>",
    "[EOS]",
    "[EOT]",
    "<end_of_turn>",
    "<end_of_utterance>",
    "<|end_of_text|>",
    "<|end|>",
    "<|endoftext|>",
    "<|eom_id|>",
    "<|eot_id|>",
    "<|im_end|>",
    "<｜end▁of▁sentence｜>",
];

/// Names of tokens that stand between files or repositories in code models.
const FILE_SEPARATORS: [&str; 11] = [
    "[PAD]",
    "<|fim_pad|>",
    "<fim-pad>",
    "<fim_pad>",
    "<PAD>",
    "<|fim_repo|>",
    "<|repo_name|>",
    "<fim-repo>",
    "<REPO>",
    "<reponame>",
    "<|file_sep|>",
];

fn read_kinds(tokens: usize, token_types: Option<&[i32]>) -> Result<Vec<TokenKind>, TokenizerError> {
    let Some(types) = token_types else { return Ok(vec![TokenKind::Normal; tokens]) };
    check_length("tokenizer.ggml.token_type", tokens, types.len())?;
    (0u32..)
        .zip(types)
        .map(|(id, &found)| TokenKind::from_number(found).ok_or(TokenizerError::UnknownTokenType { id, found }))
        .collect()
}

/// Checks that a list has one value for each token.
pub(super) fn check_length(key: &'static str, expected: usize, found: usize) -> Result<(), TokenizerError> {
    if expected == found { Ok(()) } else { Err(TokenizerError::LengthMismatch { key, expected, found }) }
}

/// The byte that a text of the form `<0x0A>` stands for.
pub(super) fn byte_of_token(text: &str) -> Option<u8> {
    let digits = text.strip_prefix("<0x")?.strip_suffix('>')?;
    let hex = digits.len() == 2 && digits.bytes().all(|b| b.is_ascii_hexdigit());
    if hex { u8::from_str_radix(digits, 16).ok() } else { None }
}
