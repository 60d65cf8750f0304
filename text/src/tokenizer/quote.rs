//! Text in which control tokens are text although others around it are parsed: what somebody says in a conversation
//! that a template writes. What a text is cut at otherwise is in `special.rs` and `added.rs`.

use aho_corasick::{AhoCorasick, MatchKind};
use std::borrow::Cow;

use super::error::TokenizerError;
use super::special::Fragment;
use super::vocabulary::{TokenKind, Vocabulary};
use super::{EncodeOptions, SpecialTokens, Tokenizer, normalize};

/// Finds the texts that are not to be taken for the tokens of these texts.
#[derive(Debug)]
pub(super) struct ControlTexts {
    automaton: AhoCorasick,
    nfc: bool,
}

impl ControlTexts {
    /// Those of all tokens that text becomes only where special tokens are parsed, in both forms where text is brought
    /// to NFC.
    ///
    /// # Errors
    /// [`TokenizerError::TooManySpecial`] where they are more than can be looked for.
    pub(super) fn new(
        vocabulary: &Vocabulary,
        added: impl Iterator<Item = u32>,
        nfc: bool,
    ) -> Result<ControlTexts, TokenizerError> {
        use TokenKind::{Control, Unknown, UserDefined};
        let mut texts: Vec<Cow<'_, str>> = vocabulary
            .iter()
            .filter(|&(id, _)| matches!(vocabulary.kind(id), Some(Control | Unknown)))
            .chain(added.filter_map(|id| Some((id, vocabulary.text(id)?))))
            .filter(|&(id, text)| vocabulary.kind(id) != Some(UserDefined) && !text.is_empty())
            .map(|(_, text)| Cow::Borrowed(text))
            .collect();
        if nfc {
            let composed: Vec<_> = texts.iter().map(|text| Cow::Owned(normalize::nfc(text).into_owned())).collect();
            texts.extend(composed);
        }
        texts.sort_unstable();
        texts.dedup();
        let too_many = |_| TokenizerError::TooManySpecial { tokens: texts.len() };
        let automaton = AhoCorasick::builder()
            .match_kind(MatchKind::LeftmostLongest)
            .build(texts.iter().map(|text| text.as_bytes()));
        Ok(ControlTexts { automaton: automaton.map_err(too_many)?, nfc })
    }

    /// The text with `mark` before each character of what stands for a control token. All else stays as it is. Each
    /// place where a control token could be found overlaps one that is marked.
    fn quote(&self, text: &str, mark: char) -> String {
        let mut quoted = String::with_capacity(text.len());
        let mut push = |text: &str, mark: Option<char>| {
            text.chars().for_each(|character| quoted.extend(mark.into_iter().chain([character])));
        };
        // Where composing its characters makes tokens of a text, there are no places in the text to name.
        if self.nfc {
            let composed = normalize::nfc(text);
            if composed != text && self.automaton.is_match(composed.as_ref()) {
                push(text, Some(mark));
                return quoted;
            }
        }
        let mut copied = 0;
        for found in self.automaton.find_iter(text) {
            push(&text[copied..found.start()], None);
            push(&text[found.range()], Some(mark));
            copied = found.end();
        }
        push(&text[copied..], None);
        quoted
    }
}

/// What stands between two special tokens of a text, and the token before it.
type Stretch = (Option<u32>, String);

impl Tokenizer {
    /// The text with `mark` before each character of what stands for a control token, which
    /// [`Tokenizer::encode_quoted`] then takes for text.
    pub(crate) fn quote(&self, text: &str, mark: char) -> String {
        self.control_texts.quote(text, mark)
    }

    /// The ids of a text in which characters behind `mark` belong to no control token. The marks themselves are none of
    /// the text.
    ///
    /// # Errors
    /// As [`Tokenizer::encode`].
    pub(crate) fn encode_quoted(
        &self,
        text: &str,
        mark: char,
        options: EncodeOptions,
    ) -> Result<Vec<u32>, TokenizerError> {
        if !text.contains(mark) {
            return self.encode(text, options);
        }
        let mut stretches = vec![(None, String::new())];
        for (index, part) in text.split(mark).enumerate() {
            let quoted = if index == 0 { 0 } else { part.chars().next().map_or(0, char::len_utf8) };
            let (quoted, rest) = part.split_at(quoted);
            add(&mut stretches, [Fragment::Text(quoted)]);
            for fragment in self.special(rest, options.parse_special) {
                match (fragment, &self.special_tokens) {
                    (Fragment::Text(text), SpecialTokens::Added(tokens)) => {
                        let text = self.normalized(text);
                        add(&mut stretches, tokens.split_normalized(&self.vocabulary, &text, options.parse_special));
                    }
                    _ => add(&mut stretches, [fragment]),
                }
            }
        }
        let mut fragments = Vec::new();
        for (token, stretch) in &stretches {
            fragments.extend(token.map(Fragment::Token));
            fragments.extend(self.special(stretch, false));
        }
        // The control tokens are found; what is left is text.
        self.encode_fragments(fragments, text.len(), EncodeOptions { parse_special: false, ..options })
    }
}

/// Appends parts of a text: text to the last stretch, and a stretch for each token.
fn add<'t>(stretches: &mut Vec<Stretch>, fragments: impl IntoIterator<Item = Fragment<'t>>) {
    for fragment in fragments {
        match (fragment, stretches.last_mut()) {
            (Fragment::Text(text), Some((_, stretch))) => stretch.push_str(text),
            (Fragment::Text(text), None) => stretches.push((None, text.to_owned())),
            (Fragment::Token(id), _) => stretches.push((Some(id), String::new())),
        }
    }
}
