//! Added tokens of a `tokenizer.json` in a text: the leftmost one counts, of those that begin at one place the longest;
//! some take the spaces beside them along, some are words by themselves, and some are looked for in the text before it
//! is normalized, others behind. Source: HF `tokenizers` (`added_vocabulary.rs`). The tokens of a GGUF file, which have
//! no such flags, are in `special.rs`.

use aho_corasick::{AhoCorasick, MatchKind};
use unicode_categories::UnicodeCategories as _;

use super::error::TokenizerError;
use super::normalize;
use super::special::Fragment;
use super::vocabulary::{AddedToken, TokenKind, Vocabulary};

/// The added tokens of a vocabulary.
#[derive(Debug)]
pub struct AddedTokens {
    /// Those in the text as it is.
    as_written: Matcher,
    /// Those in the normalized text.
    normalized: Matcher,
}

#[derive(Debug)]
struct Matcher {
    automaton: AhoCorasick,
    tokens: Vec<AddedToken>,
}

impl AddedTokens {
    /// # Errors
    /// [`TokenizerError::TooManySpecial`] where their texts are more than can be looked for.
    pub fn new(vocabulary: &Vocabulary, tokens: &[AddedToken], nfc: bool) -> Result<AddedTokens, TokenizerError> {
        let matcher = |normalized: bool| -> Result<Matcher, TokenizerError> {
            let tokens: Vec<AddedToken> =
                tokens.iter().filter(|token| token.normalized == normalized).copied().collect();
            let text = |token: &AddedToken| {
                let text = vocabulary.text(token.id).unwrap_or_default();
                if nfc && normalized { normalize::nfc(text).into_owned() } else { text.to_owned() }
            };
            let texts: Vec<String> = tokens.iter().map(text).collect();
            let too_many = |_| TokenizerError::TooManySpecial { tokens: tokens.len() };
            let automaton = AhoCorasick::builder().match_kind(MatchKind::LeftmostLongest).build(texts);
            Ok(Matcher { automaton: automaton.map_err(too_many)?, tokens })
        };
        Ok(AddedTokens { as_written: matcher(false)?, normalized: matcher(true)? })
    }

    /// Cuts a text that is not normalized.
    pub fn split<'t>(&self, vocabulary: &Vocabulary, text: &'t str, parse_special: bool) -> Vec<Fragment<'t>> {
        self.as_written.split(vocabulary, text, parse_special)
    }

    /// Cuts a text that is normalized.
    pub fn split_normalized<'t>(
        &self,
        vocabulary: &Vocabulary,
        text: &'t str,
        parse_special: bool,
    ) -> Vec<Fragment<'t>> {
        self.normalized.split(vocabulary, text, parse_special)
    }
}

/// What `\w` is true of.
fn is_word(character: char) -> bool {
    let joins = || matches!(character, '_' | '\u{200c}' | '\u{200d}') || character.is_punctuation_connector();
    character.is_alphanumeric() || character.is_mark() || joins()
}

impl Matcher {
    fn split<'t>(&self, vocabulary: &Vocabulary, text: &'t str, parse_special: bool) -> Vec<Fragment<'t>> {
        let (mut fragments, mut done) = (Vec::new(), 0);
        for found in self.automaton.find_iter(text) {
            let token = self.tokens[found.pattern().as_usize()];
            let (before, after) = (&text[..found.start()], &text[found.end()..]);
            let inside_word = || before.ends_with(is_word) || after.starts_with(is_word);
            let is_text = !parse_special && vocabulary.kind(token.id) != Some(TokenKind::UserDefined);
            if found.end() <= done || is_text || token.single_word && inside_word() {
                continue;
            }
            let start =
                if token.lstrip { before[done.min(before.len())..].trim_end().len() + done } else { before.len() };
            let end = if token.rstrip { text.len() - after.trim_start().len() } else { found.end() };
            fragments.extend([Fragment::Text(&text[done..start.max(done)]), Fragment::Token(token.id)]);
            done = end;
        }
        fragments.push(Fragment::Text(&text[done..]));
        fragments.retain(|fragment| *fragment != Fragment::Text(""));
        fragments
    }
}
