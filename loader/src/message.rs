//! Text of files in messages and on terminals. What messages say belongs to the errors.

use std::fmt;

/// Characters that a message shows of a text.
const SHOWN: usize = 200;

/// Whether a character changes what is around it where it is shown: control characters, with which escape sequences
/// begin and lines end, and those that embed, override and isolate directions of writing.
pub fn steers(character: char) -> bool {
    character.is_control() || matches!(character, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// A text from a file, what steers a terminal escaped so that it stays on the line, and cut where it is long.
#[derive(Debug, Clone, Copy)]
pub struct OneLine<'t>(pub &'t str);

impl fmt::Display for OneLine<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use fmt::Write;
        for character in self.0.chars().take(SHOWN) {
            match steers(character) {
                true => write!(f, "{}", character.escape_default())?,
                false => f.write_char(character)?,
            }
        }
        if self.0.chars().nth(SHOWN).is_some() { f.write_str("...") } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_stays_on_its_line() {
        assert_eq!(OneLine("a\nb\u{1b}[2Jé").to_string(), "a\\nb\\u{1b}[2Jé");
        assert_eq!(OneLine("a\u{202e}b\u{2066}\u{9b}").to_string(), "a\\u{202e}b\\u{2066}\\u{9b}");
        let (long, fits) = ("é".repeat(SHOWN + 1), "é".repeat(SHOWN));
        assert_eq!(OneLine(&long).to_string(), format!("{fits}..."));
        assert_eq!(OneLine(&fits).to_string(), fits);
    }
}
