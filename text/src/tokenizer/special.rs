//! Finding special tokens in a text before it is encoded. What the tokens mean is in `vocabulary.rs`; added tokens of a
//! directory, which take spaces along and have borders, are in `added.rs`.

use aho_corasick::AhoCorasick;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

use super::error::TokenizerError;
use super::vocabulary::{TokenKind, Vocabulary};

/// A part of a text to encode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fragment<'t> {
    /// Text between special tokens; never empty.
    Text(&'t str),
    /// A special token that stood in the text.
    Token(u32),
}

/// The tokens that are matched literally, as a GGUF file has them.
#[derive(Debug)]
pub struct LiteralTokens {
    /// Control, unknown and user-defined tokens.
    all: Matcher,
    /// User-defined tokens alone.
    user_defined: Matcher,
}

/// Finds some tokens in one pass over a text.
#[derive(Debug)]
struct Matcher {
    ids: Vec<u32>,
    /// The length of each token's text in bytes.
    lens: Vec<usize>,
    /// The longest of the other tokens that each token begins with.
    shorter: Vec<Option<usize>>,
    automaton: AhoCorasick,
}

impl LiteralTokens {
    /// Those of a vocabulary: control, unknown and user-defined tokens.
    ///
    /// # Errors
    /// [`TokenizerError::TooManySpecial`] where their texts are more than can be looked for.
    pub fn new(vocabulary: &Vocabulary) -> Result<LiteralTokens, TokenizerError> {
        use TokenKind::{Control, Unknown, UserDefined};
        let all = Matcher::new(vocabulary, |kind| matches!(kind, Control | Unknown | UserDefined))?;
        let user_defined = Matcher::new(vocabulary, |kind| kind == UserDefined)?;
        Ok(LiteralTokens { all, user_defined })
    }

    /// Cuts a text at its special tokens. User-defined tokens are always matched; control and unknown ones only with
    /// `parse_special`, and stay text without it.
    pub fn split<'t>(&self, text: &'t str, parse_special: bool) -> Vec<Fragment<'t>> {
        if parse_special { self.all.split(text) } else { self.user_defined.split(text) }
    }
}

impl Matcher {
    fn new(vocabulary: &Vocabulary, is_one: impl Fn(TokenKind) -> bool) -> Result<Matcher, TokenizerError> {
        let is_one = |id: u32| vocabulary.kind(id).is_some_and(&is_one);
        let (ids, texts): (Vec<u32>, Vec<&str>) = vocabulary.iter().filter(|&(id, _)| is_one(id)).unzip();
        let too_many = |_| TokenizerError::TooManySpecial { tokens: ids.len() };
        let automaton = AhoCorasick::new(&texts).map_err(too_many)?;
        Ok(Matcher { lens: texts.iter().map(|text| text.len()).collect(), shorter: beginnings(&texts), ids, automaton })
    }

    /// Longer tokens come before shorter ones, wherever they stand, and lower ids before higher ones of the same text's
    /// length: as if each token were looked for in the whole text before the next one is (llama.cpp's rule, which
    /// differs from the leftmost first where two tokens overlap).
    fn split<'t>(&self, text: &'t str) -> Vec<Fragment<'t>> {
        // Of the tokens that begin at one place the longest is looked at first, and a shorter one, with which it
        // begins, where that one has lost: so there is one for each place, however many lie in each other.
        let mut longest: BTreeMap<usize, usize> = BTreeMap::new();
        for found in self.automaton.find_overlapping_iter(text) {
            let pattern = found.pattern().as_usize();
            let known = longest.entry(found.start()).or_insert(pattern);
            if self.lens[*known] < found.end() - found.start() {
                *known = pattern;
            }
        }
        let candidate =
            |start: usize, pattern: usize| (self.lens[pattern], Reverse(self.ids[pattern]), Reverse(start), pattern);
        let mut candidates: BinaryHeap<_> =
            longest.into_iter().map(|(start, pattern)| candidate(start, pattern)).collect();
        // A token that overlaps one that is no shorter has its first or its last byte in it.
        let mut taken = vec![false; if candidates.is_empty() { 0 } else { text.len() }];
        let mut found = Vec::new();
        while let Some((len, Reverse(id), Reverse(start), pattern)) = candidates.pop() {
            if taken[start] {
                continue;
            }
            if taken[start + len - 1] {
                candidates.extend(self.shorter[pattern].map(|shorter| candidate(start, shorter)));
            } else {
                taken[start..start + len].fill(true);
                found.push((start, start + len, id));
            }
        }
        found.sort_unstable();
        let (mut fragments, mut copied) = (Vec::with_capacity(2 * found.len() + 1), 0);
        for (start, end, id) in found {
            fragments.extend([Fragment::Text(&text[copied..start]), Fragment::Token(id)]);
            copied = end;
        }
        fragments.push(Fragment::Text(&text[copied..]));
        fragments.retain(|fragment| *fragment != Fragment::Text(""));
        fragments
    }
}

/// For each text the longest of the others that it begins with.
fn beginnings(texts: &[&str]) -> Vec<Option<usize>> {
    let mut sorted: Vec<usize> = (0..texts.len()).collect();
    sorted.sort_unstable_by_key(|&index| texts[index]);
    let (mut beginnings, mut open) = (vec![None; texts.len()], Vec::new());
    for index in sorted {
        while open.pop_if(|&mut other: &mut usize| !texts[index].starts_with(texts[other])).is_some() {}
        beginnings[index] = open.last().copied();
        open.push(index);
    }
    beginnings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tokenizer::{SpecialIds, VocabularyData};
    use proptest::prelude::*;

    const TOKENS: [&str; 8] = ["a", "b", "aa", "aba", "bb", "abb", "é", "bé"];

    fn vocabulary() -> Vocabulary {
        let data = VocabularyData::placeholders(3);
        let tokens: Vec<String> = data.tokens.into_iter().chain(TOKENS.map(str::to_owned)).collect();
        Vocabulary::new(tokens, Some(&[1, 1, 1, 3, 4, 3, 3, 4, 3, 3, 3]), SpecialIds::default(), Vec::new()).unwrap()
    }

    /// Each token in the whole text before the next, the longest first.
    fn one_by_one(text: &str, tokens: &[(u32, &str)]) -> Vec<(usize, u32)> {
        let mut stretches = vec![(0, text.len())];
        let mut found = Vec::new();
        for &(id, token) in tokens {
            let mut finer = Vec::new();
            for (mut start, end) in stretches {
                while let Some(at) = text[start..end].find(token) {
                    found.push((start + at, id));
                    finer.push((start, start + at));
                    start += at + token.len();
                }
                finer.push((start, end));
            }
            stretches = finer;
        }
        found.sort_unstable();
        found
    }

    proptest! {
        #[test]
        fn one_pass_finds_what_one_token_after_the_other_finds(text in "[abcé]{0,24}", parse_special in any::<bool>()) {
            let vocabulary = vocabulary();
            let mut tokens: Vec<(u32, &str)> = (3..).zip(TOKENS).collect();
            tokens.retain(|(id, _)| parse_special || vocabulary.kind(*id) == Some(TokenKind::UserDefined));
            tokens.sort_by_key(|(id, text)| (Reverse(text.len()), *id));
            let special = LiteralTokens::new(&vocabulary).unwrap();
            let (mut at, mut found) = (0, Vec::new());
            for fragment in special.split(&text, parse_special) {
                at += match fragment {
                    Fragment::Text(text) => text.len(),
                    Fragment::Token(id) => {
                        found.push((at, id));
                        vocabulary.text(id).unwrap().len()
                    }
                };
            }
            prop_assert_eq!(at, text.len());
            prop_assert_eq!(found, one_by_one(&text, &tokens));
        }
    }

    /// Two hundred tokens in each other over a text of as many places: what is kept is one for each place.
    #[test]
    fn tokens_within_each_other_are_looked_at_one_by_one() {
        let data = VocabularyData::placeholders(3);
        let tokens: Vec<String> = data.tokens.into_iter().chain((1..=200).map(|len| "a".repeat(len))).collect();
        let kinds: Vec<i32> = [1; 3].into_iter().chain([3; 200]).collect();
        let vocabulary = Vocabulary::new(tokens, Some(&kinds), SpecialIds::default(), Vec::new()).unwrap();
        let special = LiteralTokens::new(&vocabulary).unwrap();
        assert_eq!(special.all.shorter[..3], [None, Some(0), Some(1)]);
        let text = "a".repeat(4100);
        let found = special.split(&text, true);
        let expected: Vec<Fragment<'_>> = std::iter::repeat_n(202, 20).chain([102]).map(Fragment::Token).collect();
        assert_eq!(found, expected);
    }
}
