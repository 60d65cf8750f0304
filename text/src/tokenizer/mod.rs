//! Text to token ids and back, by the vocabulary that a GGUF file carries. This file has the [`Tokenizer`] that users
//! hold; the rooms behind it are
//!
//! * `gguf.rs`: metadata keys to plain [`VocabularyData`];
//! * `not_in_gguf.rs`: what these keys do not say;
//! * `vocabulary.rs`: the checked tokens, their kinds, the tokens that end a generation;
//! * `normalize.rs`: the form of Unicode that some vocabularies are for;
//! * `pre.rs`, `bpe.rs`: byte-level BPE; `sentencepiece.rs`: SentencePiece;
//! * `special.rs`, `added.rs`: special tokens in a text, as files and as directories have them;
//! * `quote.rs`: text whose control tokens are text.
//!
//! Ids are plain `u32` here; they become typed where they enter the transformer. No chat templates (`chat.rs`), and no
//! directories (`hf.rs`).

mod added;
mod bpe;
mod error;
mod gguf;
mod merge;
mod normalize;
mod not_in_gguf;
mod pre;
mod quote;
mod sentencepiece;
mod special;
#[cfg(test)]
mod tests;
mod vocabulary;
mod warning;

pub use error::TokenizerError;
pub use not_in_gguf::NotInGguf;
pub use pre::known_names as known_pre_tokenizers;
pub use vocabulary::{AddedToken, Metaspace, Prepend, SpecialIds, TokenKind, VocabularyData};
pub use warning::TokenizerWarning;

use added::AddedTokens;
use bpe::ByteLevelBpe;
use pre::PreTokenizer;
use quote::ControlTexts;
use sentencepiece::{Place, SentencePiece};
use special::{Fragment, LiteralTokens};
use std::borrow::Cow;
use std::collections::HashSet;
use vocabulary::Vocabulary;

/// What a caller may decide about a file's tokenizer.
#[derive(Clone, Debug, Default)]
pub struct TokenizerOptions {
    /// The pre-tokenizer to use instead of `tokenizer.ggml.pre`, by one of [`known_pre_tokenizers`].
    pub pre: Option<String>,
}

/// How a text is encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EncodeOptions {
    /// Put BOS before the text where the vocabulary asks for it and it does not stand there already.
    pub add_bos: bool,
    /// Put EOS after the text where the vocabulary asks for it and it does not stand there already.
    pub add_eos: bool,
    /// Take `<|eot_id|>` and the like for the tokens that they name. Without it they are text; user-defined tokens are
    /// matched in both cases.
    pub parse_special: bool,
}

impl EncodeOptions {
    /// Text and nothing else: what a user typed.
    pub const PLAIN: EncodeOptions = EncodeOptions { add_bos: false, add_eos: false, parse_special: false };
    /// A whole prompt: BOS is added and special tokens are parsed.
    pub const PROMPT: EncodeOptions = EncodeOptions { add_bos: true, add_eos: false, parse_special: true };
    /// A whole text that does not go on: BOS and EOS are added, and special tokens are parsed.
    pub const DOCUMENT: EncodeOptions = EncodeOptions { add_bos: true, add_eos: true, parse_special: true };
}

/// Marks by which programs tell parts of an answer: thoughts, and calls of tools. Most vocabularies have them as tokens
/// that are text; where they are control tokens, they are shown nevertheless.
const MARKS: [&str; 4] = ["<think>", "</think>", "<tool_call>", "</tool_call>"];

/// A file's tokenizer.
#[derive(Debug)]
pub struct Tokenizer {
    vocabulary: Vocabulary,
    special_tokens: SpecialTokens,
    control_texts: ControlTexts,
    /// Whether text between special tokens is brought to NFC before it is cut.
    nfc: bool,
    engine: Engine,
    end_of_generation: Vec<u32>,
    add_bos: bool,
    add_eos: bool,
    warnings: Vec<TokenizerWarning>,
}

/// Special tokens, as the two containers have them.
#[derive(Debug)]
enum SpecialTokens {
    Literal(LiteralTokens),
    Added(AddedTokens),
}

#[derive(Debug)]
enum Engine {
    Bpe(Box<ByteLevelBpe>),
    SentencePiece(Box<SentencePiece>),
}

impl Tokenizer {
    /// Builds a tokenizer from plain data.
    ///
    /// Defaults are those of llama.cpp: SentencePiece adds BOS and a space prefix; BPE adds BOS where the
    /// pre-tokenizer's family does.
    ///
    /// # Errors
    /// [`TokenizerError`] naming the key that is missing, inconsistent or unknown.
    pub fn from_data(data: VocabularyData) -> Result<Tokenizer, TokenizerError> {
        let vocabulary = Vocabulary::new(data.tokens, data.token_types.as_deref(), data.special, data.further_ends)?;
        let unmade: HashSet<u32> = data.added.iter().filter(|token| !token.mergeable).map(|token| token.id).collect();
        let mut warnings = Vec::new();
        let (engine, bos_by_default) = match data.model.as_str() {
            "gpt2" => {
                let missing = || TokenizerError::MissingPre { known: pre::join_known_names() };
                let pre = PreTokenizer::named(data.pre.as_deref().ok_or_else(missing)?)?;
                let key = "tokenizer.ggml.merges";
                let merges = data.merges.ok_or(TokenizerError::MissingList { key, model: "gpt2" })?;
                (Engine::Bpe(Box::new(ByteLevelBpe::new(&vocabulary, &merges, pre, &unmade)?)), pre.add_bos)
            }
            "llama" => {
                let key = "tokenizer.ggml.scores";
                let scores = data.scores.ok_or(TokenizerError::MissingList { key, model: "llama" })?;
                let space = data.add_space_prefix.unwrap_or(true);
                (
                    Engine::SentencePiece(Box::new(SentencePiece::new(
                        &vocabulary,
                        scores,
                        space,
                        data.metaspace,
                        unmade,
                    )?)),
                    true,
                )
            }
            _ => return Err(TokenizerError::UnknownModel { found: data.model }),
        };
        let SpecialIds { bos, eos, .. } = data.special;
        for (flag, asked, key, id) in [
            ("tokenizer.ggml.add_bos_token", data.add_bos, "tokenizer.ggml.bos_token_id", bos),
            ("tokenizer.ggml.add_eos_token", data.add_eos, "tokenizer.ggml.eos_token_id", eos),
        ] {
            if asked == Some(true) && id.is_none() {
                return Err(TokenizerError::MissingSpecial { flag, key });
            }
        }
        if bos_by_default && data.add_bos.is_none() && bos.is_none() {
            warnings.push(TokenizerWarning::NoBos);
        }
        let special_tokens = match data.added.is_empty() {
            true => SpecialTokens::Literal(LiteralTokens::new(&vocabulary)?),
            false => SpecialTokens::Added(AddedTokens::new(&vocabulary, &data.added, data.nfc)?),
        };
        let control_texts = ControlTexts::new(&vocabulary, data.added.iter().map(|token| token.id), data.nfc)?;
        Ok(Tokenizer {
            special_tokens,
            control_texts,
            end_of_generation: vocabulary.end_of_generation(),
            add_bos: data.add_bos.unwrap_or(bos_by_default && bos.is_some()),
            add_eos: data.add_eos.unwrap_or(false),
            nfc: data.nfc,
            vocabulary,
            engine,
            warnings,
        })
    }

    /// The same with remarks before its own.
    pub(crate) fn with_warnings(mut self, warnings: Vec<TokenizerWarning>) -> Tokenizer {
        self.warnings.splice(..0, warnings);
        self
    }

    /// The ids of a text.
    ///
    /// # Errors
    /// [`TokenizerError::NoTokens`].
    pub fn encode(&self, text: &str, options: EncodeOptions) -> Result<Vec<u32>, TokenizerError> {
        self.encode_fragments(self.special(text, options.parse_special), text.len(), options)
    }

    fn encode_fragments(
        &self,
        fragments: Vec<Fragment<'_>>,
        bytes: usize,
        options: EncodeOptions,
    ) -> Result<Vec<u32>, TokenizerError> {
        let mut ids = Vec::with_capacity(bytes / 3 + 2);
        let mut place = Place { is_start: true, after_special: true };
        for fragment in fragments {
            match fragment {
                Fragment::Token(id) => ids.push(id),
                Fragment::Text(text) => self.encode_stretch(text, place, options.parse_special, &mut ids)?,
            }
            place = Place { is_start: false, after_special: matches!(fragment, Fragment::Token(_)) };
        }
        let wants_bos = options.add_bos && self.add_bos;
        if let Some(bos) = self.bos().filter(|bos| wants_bos && ids.first() != Some(bos)) {
            ids.insert(0, bos);
        }
        let wants_eos = options.add_eos && self.add_eos;
        if let Some(eos) = self.eos().filter(|eos| wants_eos && ids.last() != Some(eos)) {
            ids.push(eos);
        }
        Ok(ids)
    }

    /// A text cut at its special tokens.
    fn special<'t>(&self, text: &'t str, parse_special: bool) -> Vec<Fragment<'t>> {
        match &self.special_tokens {
            SpecialTokens::Literal(tokens) => tokens.split(text, parse_special),
            SpecialTokens::Added(tokens) => tokens.split(&self.vocabulary, text, parse_special),
        }
    }

    /// A text in the form in which it is cut.
    fn normalized<'t>(&self, text: &'t str) -> Cow<'t, str> {
        if self.nfc { normalize::nfc(text) } else { Cow::Borrowed(text) }
    }

    /// Appends the ids of a text between special tokens, in the form in which it is cut.
    fn encode_stretch(
        &self,
        text: &str,
        mut place: Place,
        parse_special: bool,
        ids: &mut Vec<u32>,
    ) -> Result<(), TokenizerError> {
        let text = self.normalized(text);
        let fragments = match &self.special_tokens {
            SpecialTokens::Literal(_) => vec![Fragment::Text(&text)],
            SpecialTokens::Added(tokens) => tokens.split_normalized(&self.vocabulary, &text, parse_special),
        };
        for fragment in fragments {
            match (fragment, &self.engine) {
                (Fragment::Token(id), _) => ids.push(id),
                (Fragment::Text(text), Engine::Bpe(bpe)) => bpe.encode(text, ids)?,
                (Fragment::Text(text), Engine::SentencePiece(engine)) => {
                    engine.encode(&self.vocabulary, text, place, ids)?;
                }
            }
            place = Place { is_start: false, after_special: true };
        }
        Ok(())
    }

    /// The text of ids that make up a whole text: the space that SentencePiece puts before it is taken away again.
    /// Broken UTF-8 becomes U+FFFD. With `show_special` control tokens are printed as the file names them; marks of
    /// thoughts and of calls of tools always are.
    ///
    /// # Errors
    /// [`TokenizerError::UnknownId`].
    pub fn decode(&self, ids: &[u32], show_special: bool) -> Result<String, TokenizerError> {
        let mut bytes = Vec::new();
        for &id in ids {
            self.decode_into(id, show_special, &mut bytes)?;
        }
        let text = bytes.strip_prefix(b" ").filter(|_| self.adds_space()).unwrap_or(&bytes);
        Ok(String::from_utf8_lossy(text).into_owned())
    }

    /// Appends the bytes of one token of a text in the making ([`TextStream`](crate::TextStream) makes text of them).
    ///
    /// # Errors
    /// [`TokenizerError::UnknownId`].
    pub fn decode_into(&self, id: u32, show_special: bool, bytes: &mut Vec<u8>) -> Result<(), TokenizerError> {
        let (Some(kind), Some(text)) = (self.vocabulary.kind(id), self.vocabulary.text(id)) else {
            return Err(TokenizerError::UnknownId { id, tokens: self.len() });
        };
        match (kind, &self.engine) {
            (TokenKind::Undefined | TokenKind::Unused, _) => {}
            (TokenKind::Control | TokenKind::Unknown, _) if !show_special && !MARKS.contains(&text) => {}
            (TokenKind::Control | TokenKind::Unknown | TokenKind::UserDefined, _) => {
                bytes.extend_from_slice(text.as_bytes());
            }
            (TokenKind::Normal | TokenKind::Byte, Engine::SentencePiece(_)) => {
                SentencePiece::decode(kind, text, bytes);
            }
            (TokenKind::Byte, Engine::Bpe(_)) => bytes.extend(vocabulary::byte_of_token(text)),
            (TokenKind::Normal, Engine::Bpe(_)) => ByteLevelBpe::decode(text, bytes),
        }
        Ok(())
    }

    /// Number of tokens; ids are below it.
    pub fn len(&self) -> usize {
        self.vocabulary.len()
    }

    /// Always false: an empty vocabulary is refused.
    pub fn is_empty(&self) -> bool {
        self.vocabulary.is_empty()
    }

    /// The text of a token as the file holds it (byte-level BPE writes a space as `Ġ`, SentencePiece as `▁`).
    pub fn token(&self, id: u32) -> Option<&str> {
        self.vocabulary.text(id)
    }

    /// The kind of a token.
    pub fn kind(&self, id: u32) -> Option<TokenKind> {
        self.vocabulary.kind(id)
    }

    /// The id of the token that the file names so.
    pub fn id(&self, token: &str) -> Option<u32> {
        self.vocabulary.id(token)
    }

    /// The token that begins a text.
    pub fn bos(&self) -> Option<u32> {
        self.vocabulary.special().bos
    }

    /// The token that ends a text.
    pub fn eos(&self) -> Option<u32> {
        self.vocabulary.special().eos
    }

    /// Whether [`EncodeOptions::add_bos`] puts BOS before a text.
    pub fn adds_bos(&self) -> bool {
        self.add_bos
    }

    /// Whether [`EncodeOptions::add_eos`] puts EOS after a text.
    pub fn adds_eos(&self) -> bool {
        self.add_eos
    }

    /// Whether a text is encoded with a space before it, which is then the beginning of its first token.
    pub fn adds_space(&self) -> bool {
        matches!(&self.engine, Engine::SentencePiece(engine) if engine.strips_space())
    }

    /// Ids after which a generation has ended, ascending.
    pub fn end_of_generation(&self) -> &[u32] {
        &self.end_of_generation
    }

    /// The family of the pre-tokenizer in use, by its first name (`starcoder` splits as `smollm` does); SentencePiece
    /// has none.
    pub fn pre(&self) -> Option<&'static str> {
        match &self.engine {
            Engine::Bpe(bpe) => Some(bpe.pre().name()),
            Engine::SentencePiece(_) => None,
        }
    }

    /// What a user should know about choices that the file left open. Empty for most files.
    pub fn warnings(&self) -> &[TokenizerWarning] {
        &self.warnings
    }
}
