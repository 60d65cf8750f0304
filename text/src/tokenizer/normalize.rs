//! Unicode normalization, which some tokenizers do before they cut a text. Which ones is for [`VocabularyData`] to say;
//! cutting is not here.
//!
//! [`VocabularyData`]: super::VocabularyData

use std::borrow::Cow;

use unicode_normalization_alignments::{IsNormalized, UnicodeNormalization as _, is_nfc_quick};

/// The text in Unicode's form NFC, by the crate that HF `tokenizers` has it from: ids depend on its version of Unicode.
pub fn nfc(text: &str) -> Cow<'_, str> {
    match is_nfc_quick(text.chars()) {
        IsNormalized::Yes => Cow::Borrowed(text),
        IsNormalized::No | IsNormalized::Maybe => Cow::Owned(text.nfc().map(|(character, _)| character).collect()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn letters_and_marks_become_one_character_where_there_is_one() {
        for (text, expected) in [
            ("cafe\u{301}", "café"),
            ("e\u{323}\u{302}", "\u{1ec7}"), // two marks
            ("e\u{302}\u{323}", "\u{1ec7}"), // in the other order
            ("x\u{301}", "x\u{301}"),        // no such character
            ("\u{1100}\u{1161}\u{11a8}", "각"),
            ("\u{212b}\u{2126}", "ÅΩ"), // signs that are letters
            ("ﬁ²\u{a0}", "ﬁ²\u{a0}"),   // compatible is not the same
            ("\u{301}e", "\u{301}e"),
            ("", ""),
        ] {
            assert_eq!(nfc(text), expected, "{text:?}");
        }
    }

    #[test]
    fn what_is_in_that_form_is_not_copied() {
        for text in ["plain", "naïve 你好 😀", "각"] {
            assert!(matches!(nfc(text), Cow::Borrowed(_)), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn once_is_enough(text in "[a-eé각\u{1100}\u{1161}\u{11a8}\u{301}\u{302}\u{323}\u{212b}]{0,20}") {
            let once = nfc(&text).into_owned();
            prop_assert_eq!(nfc(&once), once.as_str());
            prop_assert!(once.chars().count() <= text.chars().count());
        }
    }
}
