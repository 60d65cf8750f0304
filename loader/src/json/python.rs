//! What Python's `json` writes and JSON has not: `NaN`, `Infinity` and `-Infinity`.
//!
//! What belongs here: making JSON of it. What does not: what a number may be, which the reader of an entry says.

/// The words, a longer one before one that it ends with.
const WORDS: [&[u8]; 3] = [b"-Infinity", b"Infinity", b"NaN"];

/// The same text with those words as texts. So an entry that nobody reads does no harm, and one that is read as a
/// number is refused with the word that stands there.
pub(super) fn quoted(json: &[u8]) -> Vec<u8> {
    let is_word = |at: usize| WORDS.into_iter().find(|word| json[at..].starts_with(word));
    let mut quoted = Vec::with_capacity(json.len() + 2);
    let (mut at, mut in_text) = (0, false);
    while let Some(&byte) = json.get(at) {
        let taken = match is_word(at).filter(|_| !in_text) {
            Some(word) => {
                quoted.extend([b"\"", word, b"\""].concat());
                word.len()
            }
            None => {
                // A byte behind a backslash ends no text.
                let taken = if in_text && byte == b'\\' { 2.min(json.len() - at) } else { 1 };
                quoted.extend_from_slice(&json[at..at + taken]);
                in_text ^= byte == b'"';
                taken
            }
        };
        at += taken;
    }
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_outside_of_texts_become_texts() {
        let quoted = |json: &str| String::from_utf8(quoted(json.as_bytes())).unwrap();
        assert_eq!(
            quoted(r#"{"a": [1, Infinity, -Infinity], "b": NaN}"#),
            r#"{"a": [1, "Infinity", "-Infinity"], "b": "NaN"}"#
        );
        let texts = r#"{"NaN": "to Infinity", "b\\\"Infinity": "\\"}"#;
        assert_eq!(quoted(texts), texts);
        assert_eq!(quoted(r#"["\\", NaN]"#), r#"["\\", "NaN"]"#);
        assert_eq!(quoted("\"NaN\\"), "\"NaN\\");
    }
}
