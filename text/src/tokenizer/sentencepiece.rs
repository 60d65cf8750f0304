//! SentencePiece with scores (`tokenizer.ggml.model = "llama"`): neighbouring pieces whose union is a token are merged,
//! the highest score first and the leftmost of equals, until none is left; what is no token then becomes bytes.
//!
//! The algorithm is llama.cpp's (`llm_tokenizer_spm`), which agrees with SentencePiece's BPE mode. The special tokens
//! of a text are cut out before it comes here.

use std::cmp::Ordering;
use std::collections::HashSet;
use std::ops::Range;

use super::error::TokenizerError;
use super::merge::merged;
use super::vocabulary::{Metaspace, Prepend, TokenKind, Vocabulary, byte_of_token, check_length};

/// The character that stands for a space in the tokens' texts.
const SPACE: &str = "\u{2581}";

/// A SentencePiece engine for one vocabulary.
#[derive(Debug)]
pub struct SentencePiece {
    scores: Vec<f32>,
    /// The token of each byte, where there is one.
    bytes: [Option<u32>; 256],
    unknown: Option<u32>,
    /// Whether no token goes on from another character to a space, so that no merge does.
    words_are_separate: bool,
    /// Whether a space is put before a text that begins the input or follows a special token.
    add_space_prefix: bool,
    /// Tokens that text does not become by merging.
    unmade: HashSet<u32>,
    /// How spaces are put instead, where a directory says it.
    metaspace: Option<Metaspace>,
}

/// Where a stretch of text stands.
#[derive(Clone, Copy)]
pub struct Place {
    /// It begins the input.
    pub is_start: bool,
    /// It begins the input or follows a special token.
    pub after_special: bool,
}

impl SentencePiece {
    /// Builds the engine from one score for each token.
    ///
    /// # Errors
    /// [`TokenizerError`] where the number of scores is another, or a score is not finite.
    pub fn new(
        vocabulary: &Vocabulary,
        mut scores: Vec<f32>,
        add_space_prefix: bool,
        metaspace: Option<Metaspace>,
        unmade: HashSet<u32>,
    ) -> Result<SentencePiece, TokenizerError> {
        check_length("tokenizer.ggml.scores", vocabulary.len(), scores.len())?;
        for (id, score) in (0u32..).zip(&mut scores) {
            if !score.is_finite() {
                return Err(TokenizerError::BadScore { id, found: *score });
            }
            *score += 0.0; // -0.0 becomes 0.0, so that total order is numeric order
        }
        let mut bytes = [None; 256];
        for (id, text) in vocabulary.iter() {
            if let Some(byte) = byte_of_token(text) {
                bytes[usize::from(byte)].get_or_insert(id);
            }
        }
        let words_are_separate = vocabulary.iter().all(|(_, text)| words(text).count() <= 1);
        let unknown = vocabulary.special().unknown;
        Ok(SentencePiece { scores, bytes, unknown, words_are_separate, add_space_prefix, unmade, metaspace })
    }

    /// Appends the ids of a text without special tokens.
    ///
    /// # Errors
    /// [`TokenizerError::NoTokens`] where a byte has no token and the vocabulary has none for the unknown.
    pub fn encode(
        &self,
        vocabulary: &Vocabulary,
        text: &str,
        place: Place,
        ids: &mut Vec<u32>,
    ) -> Result<(), TokenizerError> {
        let mut marked = text.replace(' ', SPACE);
        if self.puts_space(&marked, place) {
            marked.insert_str(0, SPACE);
        }
        match self.metaspace {
            Some(Metaspace { split: true, .. }) => {
                let begins = marked.match_indices(SPACE).map(|(at, _)| at).filter(|&at| at > 0);
                let ends: Vec<usize> = begins.chain([marked.len()]).collect();
                let mut start = 0;
                ends.into_iter().try_for_each(|end| {
                    self.encode_merged(vocabulary, &marked[std::mem::replace(&mut start, end)..end], ids)
                })
            }
            _ if self.words_are_separate => {
                words(&marked).try_for_each(|word| self.encode_merged(vocabulary, word, ids))
            }
            _ => self.encode_merged(vocabulary, &marked, ids),
        }
    }

    /// The token that a text is, if merging makes it.
    fn made(&self, vocabulary: &Vocabulary, text: &str) -> Option<u32> {
        vocabulary.id(text).filter(|id| self.unmade.is_empty() || !self.unmade.contains(id))
    }

    fn puts_space(&self, marked: &str, place: Place) -> bool {
        match self.metaspace.map(|metaspace| metaspace.prepend) {
            None => self.add_space_prefix && place.after_special,
            Some(Prepend::Never) => false,
            Some(Prepend::First) => place.is_start && !marked.starts_with(SPACE),
            Some(Prepend::Always) => !marked.starts_with(SPACE),
        }
    }

    /// Whether a text that is decoded begins with a space that was put before it.
    pub fn strips_space(&self) -> bool {
        self.metaspace.map_or(self.add_space_prefix, |metaspace| metaspace.prepend != Prepend::Never)
    }

    /// Appends the ids of a stretch of text that merges within itself alone.
    fn encode_merged(&self, vocabulary: &Vocabulary, text: &str, ids: &mut Vec<u32>) -> Result<(), TokenizerError> {
        let union = |(left, ()): (Range<usize>, ()), (right, ()): (Range<usize>, ())| {
            let id = self.made(vocabulary, &text[left.start..right.end])?;
            Some((Score(self.scores[id as usize]), ()))
        };
        for (piece, ()) in merged(text, |_| (), union) {
            match self.made(vocabulary, &text[piece.clone()]) {
                Some(id) => ids.push(id),
                None => self.encode_bytes(&text[piece], ids)?,
            }
        }
        Ok(())
    }

    /// Appends one token for each byte of a piece that is no token, or the unknown token once.
    fn encode_bytes(&self, piece: &str, ids: &mut Vec<u32>) -> Result<(), TokenizerError> {
        let tokens: Option<Vec<u32>> = piece.bytes().map(|byte| self.bytes[usize::from(byte)]).collect();
        match (tokens, self.unknown) {
            (Some(tokens), _) => ids.extend(tokens),
            (None, Some(unknown)) => ids.push(unknown),
            (None, None) => {
                let character = piece.chars().next().unwrap_or(char::REPLACEMENT_CHARACTER);
                return Err(TokenizerError::NoTokens { character });
            }
        }
        Ok(())
    }

    /// Appends the bytes of a token.
    pub fn decode(kind: TokenKind, text: &str, bytes: &mut Vec<u8>) {
        match byte_of_token(text).filter(|_| kind == TokenKind::Byte) {
            Some(byte) => bytes.push(byte),
            None => bytes.extend_from_slice(text.replace(SPACE, " ").as_bytes()),
        }
    }
}

/// The text cut before every run of spaces: merging word by word costs time in proportion to the text.
fn words(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let spaces = rest.len() - rest.trim_start_matches(SPACE).len();
        let end = rest[spaces..].find(SPACE).map_or(rest.len(), |letters| spaces + letters);
        let (word, after) = rest.split_at(end);
        rest = after;
        (!word.is_empty()).then_some(word)
    })
}

/// The score of a token.
#[derive(PartialEq)]
struct Score(f32);

impl Eq for Score {}

impl Ord for Score {
    fn cmp(&self, other: &Score) -> Ordering {
        self.0.total_cmp(&other.0)
    }
}

impl PartialOrd for Score {
    fn partial_cmp(&self, other: &Score) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
