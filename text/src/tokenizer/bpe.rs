//! Byte-level BPE (GPT-2 and its descendants): words by a pre-tokenizer, bytes written as printable characters, merges
//! in the order of their list. The special tokens of a text are cut out before it comes here.

use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};
use std::ops::Range;

use super::error::TokenizerError;
use super::merge::merged;
use super::pre::{PreTokenizer, Splitter};
use super::vocabulary::Vocabulary;

/// A byte-level BPE engine for one vocabulary.
#[derive(Debug)]
pub struct ByteLevelBpe {
    splitter: Splitter,
    /// The ids of what text becomes.
    ids: HashMap<String, u32>,
    /// The places of merges in their list and the ids of their unions, by the ids of their parts.
    merges: HashMap<(u32, u32), (usize, u32)>,
    /// Which bytes are tokens by themselves, as every word is made of them before it is merged.
    known: [bool; 256],
}

impl ByteLevelBpe {
    /// Builds the engine; no word becomes one of `unmade`. Of a merge that stands twice the first one counts, as in
    /// llama.cpp.
    ///
    /// # Errors
    /// [`TokenizerError`] where a merge has not two parts, or its parts or their union are no tokens.
    pub fn new(
        vocabulary: &Vocabulary,
        merges: &[String],
        pre: &'static PreTokenizer,
        unmade: &HashSet<u32>,
    ) -> Result<ByteLevelBpe, TokenizerError> {
        let made = vocabulary.iter().filter(|(id, _)| !unmade.contains(id));
        let ids: HashMap<String, u32> = made.map(|(id, text)| (text.to_owned(), id)).collect();
        let merges = read_merges(&ids, merges)?;
        let known = std::array::from_fn(|byte| ids.contains_key(&*BYTE_CHARS[byte].encode_utf8(&mut [0; 4])));
        Ok(ByteLevelBpe { splitter: pre.splitter()?, ids, merges, known })
    }

    /// The pre-tokenizer in use.
    pub fn pre(&self) -> &'static PreTokenizer {
        self.splitter.pre()
    }

    /// Appends the ids of a text without special tokens.
    ///
    /// # Errors
    /// [`TokenizerError::NoTokens`] where a byte of the text is no token.
    pub fn encode(&self, text: &str, ids: &mut Vec<u32>) -> Result<(), TokenizerError> {
        let is_known = |c: &char| c.encode_utf8(&mut [0; 4]).bytes().all(|byte| self.known[usize::from(byte)]);
        if let Some(character) = text.chars().find(|c| !is_known(c)) {
            return Err(TokenizerError::NoTokens { character });
        }
        let mut word = String::new();
        for piece in self.splitter.split(text) {
            word.clear();
            word.extend(piece.bytes().map(|byte| BYTE_CHARS[usize::from(byte)]));
            match self.ids.get(&word).filter(|_| self.pre().ignore_merges) {
                Some(&id) => ids.push(id),
                None => self.merge(&word, ids),
            }
        }
        Ok(())
    }

    /// Appends the ids of a word, whose characters are tokens.
    fn merge(&self, word: &str, ids: &mut Vec<u32>) {
        let id = |character: Range<usize>| self.ids.get(&word[character]).copied();
        let union = |(_, left): (Range<usize>, Option<u32>), (_, right): (Range<usize>, Option<u32>)| {
            let &(place, union) = self.merges.get(&(left?, right?))?;
            Some((Reverse(place), Some(union)))
        };
        ids.extend(merged(word, id, union).filter_map(|(_, id)| id));
    }

    /// Appends the bytes that a token's text stands for. A character outside the byte alphabet stands for itself.
    pub fn decode(text: &str, bytes: &mut Vec<u8>) {
        for character in text.chars() {
            match byte_of_char(character) {
                Some(byte) => bytes.push(byte),
                None => bytes.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes()),
            }
        }
    }
}

/// Splits each merge into its two tokens, of which it checks that they and their union exist.
fn read_merges(
    ids: &HashMap<String, u32>,
    merges: &[String],
) -> Result<HashMap<(u32, u32), (usize, u32)>, TokenizerError> {
    let mut read = HashMap::with_capacity(merges.len());
    for (index, merge) in merges.iter().enumerate() {
        let bad = || TokenizerError::BadMerge { index, merge: merge.clone() };
        let (left, right) = merge.split_once(' ').ok_or_else(bad)?;
        if left.is_empty() || right.is_empty() || right.contains(' ') {
            return Err(bad());
        }
        let id = |token: &str| {
            let unknown = || {
                let (merge, token) = (merge.clone(), token.to_owned());
                TokenizerError::UnknownMergeToken { index, merge, token }
            };
            ids.get(token).copied().ok_or_else(unknown)
        };
        let pair = (id(left)?, id(right)?);
        let union = id(&[left, right].concat())?;
        read.entry(pair).or_insert((index, union));
    }
    Ok(read)
}

/// The character that stands for each byte: printable ones for themselves, the others, in order, for U+0100 onwards.
/// (GPT-2's `bytes_to_unicode`; the alphabet of every byte-level BPE.)
static BYTE_CHARS: [char; 256] = byte_chars();

const fn stands_for_itself(byte: u8) -> bool {
    matches!(byte, b'!'..=b'~' | 0xa1..=0xac | 0xae..=0xff)
}

const fn byte_chars() -> [char; 256] {
    let mut chars = ['\0'; 256];
    let (mut byte, mut next) = (0, 0x100u32);
    while byte < 256 {
        if stands_for_itself(byte as u8) {
            chars[byte] = byte as u8 as char;
        } else {
            chars[byte] = match char::from_u32(next) {
                Some(character) => character,
                None => panic!("U+0100 to U+0143 are characters"),
            };
            next += 1;
        }
        byte += 1;
    }
    chars
}

fn byte_of_char(character: char) -> Option<u8> {
    match u8::try_from(u32::from(character)) {
        Ok(byte) => stands_for_itself(byte).then_some(byte),
        Err(_) => BYTE_CHARS.iter().position(|&c| c == character).and_then(|byte| u8::try_from(byte).ok()),
    }
}
