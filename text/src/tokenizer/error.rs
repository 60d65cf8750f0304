//! What can be wrong with a vocabulary, a text or an id. Messages name the metadata key, what was expected and what was
//! found. Errors of chat templates and samplers live beside those.

use std::fmt;

use trine_loader::GgufError;
use trine_loader::json::JsonError;

/// Why a tokenizer could not be built from a file, or could not encode or decode.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TokenizerError {
    /// The metadata holds a key of the wrong type, or lacks one that is required.
    #[error(transparent)]
    Metadata(#[from] GgufError),

    /// A file of a directory cannot be read, or an entry is missing or of another type.
    #[error(transparent)]
    Json(#[from] JsonError),

    /// A `tokenizer.json` that works in a way that is not implemented.
    #[error("`{key}` is {found}, expected {expected}: the ids would be others than those of HF tokenizers")]
    Unsupported {
        /// The entry.
        key: &'static str,
        /// What it is.
        found: String,
        /// What it may be.
        expected: &'static str,
    },

    /// A `tokenizer.json` with a token beyond the vocabulary of the model.
    #[error(
        "token {id} {} is outside the vocabulary of {tokens} tokens that config.json gives the model",
        Quoted(text)
    )]
    TokenOutOfRange {
        /// The token.
        id: u32,
        /// Its text.
        text: String,
        /// `vocab_size`.
        tokens: usize,
    },

    /// A `tokenizer.json` with two texts for one id.
    #[error("token {id} is both {} and {}: expected one text for each id", Quoted(first), Quoted(second))]
    SameId {
        /// The token.
        id: u32,
        /// One text.
        first: String,
        /// The other.
        second: String,
    },

    /// The vocabulary of a file is wrong.
    #[error("{file}: {problem}")]
    File {
        /// The label of the file.
        file: String,
        /// What is wrong with it.
        problem: Box<TokenizerError>,
    },

    /// `tokenizer.ggml.model` names an algorithm that is not implemented.
    #[error("tokenizer.ggml.model is {}: expected `gpt2` (byte-level BPE) or `llama` (SentencePiece)", Quoted(found))]
    UnknownModel {
        /// The name in the file.
        found: String,
    },

    /// The file, or `--pre`, names a pre-tokenizer that is not in the table.
    #[error("unknown pre-tokenizer {}: known are {known}; choose the right one with --pre", Quoted(found))]
    UnknownPre {
        /// The name asked for.
        found: String,
        /// Every known name.
        known: String,
    },

    /// A byte-level BPE vocabulary without `tokenizer.ggml.pre`.
    #[error(
        "the file has no tokenizer.ggml.pre, so it is unknown how text is split before its merges apply: \
         name the pre-tokenizer with --pre (known are {known})"
    )]
    MissingPre {
        /// Every known name.
        known: String,
    },

    /// `tokenizer.ggml.tokens` is an empty list.
    #[error("tokenizer.ggml.tokens is empty: expected at least one token")]
    EmptyVocabulary,

    /// More tokens than ids can be numbered.
    #[error("tokenizer.ggml.tokens holds {found} tokens: expected at most {limit}")]
    TooManyTokens {
        /// Number of tokens in the file.
        found: usize,
        /// The greatest number of tokens.
        limit: usize,
    },

    /// Two ids have one text, so encoding would be ambiguous.
    #[error(
        "tokenizer.ggml.tokens: token {} stands at {first} and again at {second}: expected each text once",
        Quoted(text)
    )]
    DuplicateToken {
        /// The text that occurs twice.
        text: String,
        /// The lower id.
        first: u32,
        /// The higher id.
        second: u32,
    },

    /// A list that goes with the tokens has another length than they have.
    #[error("{key} holds {found} values: expected {expected}, one for each token")]
    LengthMismatch {
        /// The key of the list.
        key: &'static str,
        /// The number of tokens.
        expected: usize,
        /// The length of the list.
        found: usize,
    },

    /// A list that the vocabulary's algorithm cannot do without.
    #[error("the file has no {key}: a vocabulary of model `{model}` needs it")]
    MissingList {
        /// The key of the list.
        key: &'static str,
        /// `tokenizer.ggml.model`.
        model: &'static str,
    },

    /// A number in `tokenizer.ggml.token_type` that stands for no type.
    #[error("tokenizer.ggml.token_type of token {id} is {found}: expected 0 to 6")]
    UnknownTokenType {
        /// The token.
        id: u32,
        /// The number in the file.
        found: i32,
    },

    /// A score that cannot be ordered.
    #[error("tokenizer.ggml.scores of token {id} is {found}: expected a finite number")]
    BadScore {
        /// The token.
        id: u32,
        /// The score in the file.
        found: f32,
    },

    /// A byte token whose text is not of the form `<0x0A>`.
    #[error("token {id} {} has the type byte: expected a text of the form <0x0A>", Quoted(text))]
    BadByteToken {
        /// The token.
        id: u32,
        /// Its text.
        text: String,
    },

    /// A merge that is not two texts with one space between.
    #[error("tokenizer.ggml.merges[{index}] is {}: expected two tokens with one space between them", Quoted(merge))]
    BadMerge {
        /// Position in the list.
        index: usize,
        /// The merge as written in the file.
        merge: String,
    },

    /// A merge of, or into, a text that is no token.
    #[error(
        "tokenizer.ggml.merges[{index}] is {}, but {} is not among tokenizer.ggml.tokens",
        Quoted(merge),
        Quoted(token)
    )]
    UnknownMergeToken {
        /// Position in the list.
        index: usize,
        /// The merge as written in the file.
        merge: String,
        /// The text that is no token.
        token: String,
    },

    /// A special token's id that lies outside the vocabulary.
    #[error("{key} is {id}, outside the vocabulary of {tokens} tokens")]
    SpecialOutOfRange {
        /// The key.
        key: &'static str,
        /// The id in the file.
        id: u32,
        /// Number of tokens.
        tokens: usize,
    },

    /// The file asks for a token at the border of the text but does not say which.
    #[error("{flag} is true but the file has no {key}")]
    MissingSpecial {
        /// The flag that asks for it.
        flag: &'static str,
        /// The key that would name it.
        key: &'static str,
    },

    /// A character that the vocabulary cannot write, not even byte by byte.
    #[error("the text has {character:?} (U+{:04X}), which has no tokens in this vocabulary", u32::from(*.character))]
    NoTokens {
        /// The character.
        character: char,
    },

    /// The engine of regular expressions refuses those of a pre-tokenizer.
    #[error("pre-tokenizer `{pre}`: {source}")]
    Split {
        /// Name of the pre-tokenizer.
        pre: &'static str,
        /// What the engine says.
        source: Box<regex::Error>,
    },

    /// More special tokens than can be looked for.
    #[error("the texts of {tokens} special tokens are too long to be looked for together")]
    TooManySpecial {
        /// How many there are.
        tokens: usize,
    },

    /// An id to decode that lies outside the vocabulary.
    #[error("token {id} is outside the vocabulary of {tokens} tokens")]
    UnknownId {
        /// The id.
        id: u32,
        /// Number of tokens.
        tokens: usize,
    },
}

/// A text from a file, quoted and escaped so that it stays on the line, and cut where it is long.
struct Quoted<'a>(&'a str);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const SHOWN: usize = 80;
        match self.0.char_indices().nth(SHOWN) {
            None => write!(f, "{:?}", self.0),
            Some((cut, _)) => write!(f, "{:?}... ({} bytes)", &self.0[..cut], self.0.len()),
        }
    }
}
