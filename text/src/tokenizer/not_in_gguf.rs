//! What a `tokenizer.json` says of reading text and no key of a GGUF file does. Which keys there are is in `gguf.rs`.

use super::vocabulary::{AddedToken, Prepend, VocabularyData};
use trine_loader::OneLine;

/// A rule of a directory's tokenizer that a GGUF file cannot state: a text that it concerns has other ids there.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NotInGguf {
    /// Text is normalized.
    #[error("text is brought to Unicode's form NFC")]
    Nfc,
    /// Added tokens have flags.
    #[error(
        "{tokens} added tokens (first: `{text}`) have `lstrip`, `rstrip`, `single_word` or, where text is normalized, \
         `normalized`", text = OneLine(first)
    )]
    AddedTokens {
        /// The text of the first.
        first: String,
        /// How many.
        tokens: usize,
    },
    /// `Metaspace` puts its mark by another rule than llama.cpp does a space.
    #[error("`Metaspace` has the prepend_scheme `{}`", match scheme { Prepend::First => "first", _ => "always" })]
    Metaspace {
        /// The rule.
        scheme: Prepend,
    },
}

impl VocabularyData {
    /// What of these data the keys of a GGUF file do not say.
    pub fn not_in_gguf(&self) -> Vec<NotInGguf> {
        let has_flags =
            |token: &&AddedToken| token.lstrip || token.rstrip || token.single_word || token.normalized && self.nfc;
        let flagged: Vec<&AddedToken> = self.added.iter().filter(has_flags).collect();
        let added = flagged.first().map(|first| NotInGguf::AddedTokens {
            first: self.tokens.get(first.id as usize).cloned().unwrap_or_default(),
            tokens: flagged.len(),
        });
        let scheme = self.metaspace.map(|metaspace| metaspace.prepend).filter(|prepend| *prepend != Prepend::Never);
        let metaspace = scheme.map(|scheme| NotInGguf::Metaspace { scheme });
        self.nfc.then_some(NotInGguf::Nfc).into_iter().chain(added).chain(metaspace).collect()
    }
}
