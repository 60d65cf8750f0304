//! Text of files in messages and on terminals. What messages say belongs to the errors.

use std::fmt;

/// Characters that a message shows of a text.
const SHOWN: usize = 200;

/// Whether a character changes what is around it where it is shown: control characters, with which escape sequences
/// begin and lines end, and those that mark, embed, override and isolate directions of writing.
pub fn steers(character: char) -> bool {
    let turns =
        |c| matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    character.is_control() || turns(character)
}

/// The text with what steers a terminal escaped: a name in a file can neither break the line nor change what is beside
/// it.
pub fn one_line(text: &str) -> String {
    let escape = |c: char| if steers(c) { c.escape_default().collect() } else { String::from(c) };
    text.chars().map(escape).collect()
}

/// A text from a file on [`one_line`], and cut where it is long.
#[derive(Debug, Clone, Copy)]
pub struct OneLine<'t>(pub &'t str);

impl fmt::Display for OneLine<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.char_indices().nth(SHOWN) {
            None => f.write_str(&one_line(self.0)),
            Some((cut, _)) => write!(f, "{}...", one_line(&self.0[..cut])),
        }
    }
}

/// The first of some keys, each on [`one_line`], and how many more there are.
#[derive(Debug, Clone, Copy)]
pub struct Keys<'k>(pub &'k [String]);

impl fmt::Display for Keys<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const SHOWN: usize = 5;
        for (index, key) in self.0.iter().take(SHOWN).enumerate() {
            write!(f, "{}`{}`", if index == 0 { "" } else { ", " }, OneLine(key))?;
        }
        match self.0.len().saturating_sub(SHOWN) {
            0 => Ok(()),
            more => write!(f, " and {more} more keys"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_many_keys_the_first_are_shown() {
        let keys: Vec<String> = (0..7).map(|n| format!("k{n}")).collect();
        assert_eq!(Keys(&keys[..2]).to_string(), "`k0`, `k1`");
        assert_eq!(Keys(&keys).to_string(), "`k0`, `k1`, `k2`, `k3`, `k4` and 2 more keys");
    }

    #[test]
    fn a_text_stays_on_its_line() {
        assert_eq!(one_line("tensor \"a\nb\u{1b}[2J\""), "tensor \"a\\nb\\u{1b}[2J\"");
        assert_eq!(OneLine("a\nb\u{1b}[2Jé").to_string(), "a\\nb\\u{1b}[2Jé");
        assert_eq!(OneLine("a\u{202e}b\u{2066}\u{9b}").to_string(), "a\\u{202e}b\\u{2066}\\u{9b}");
        // Unicode's `Bidi_Control`, all of it.
        for turn in
            "\u{61c}\u{200e}\u{200f}\u{202a}\u{202b}\u{202c}\u{202d}\u{202e}\u{2066}\u{2067}\u{2068}\u{2069}".chars()
        {
            assert!(steers(turn), "U+{:04X}", u32::from(turn));
        }
        assert_eq!(one_line("1 \u{200f}a\u{200d}\u{5d0}"), "1 \\u{200f}a\u{200d}\u{5d0}", "letters and joiners stay");
        let (long, fits) = ("é".repeat(SHOWN + 1), "é".repeat(SHOWN));
        assert_eq!(OneLine(&long).to_string(), format!("{fits}..."));
        assert_eq!(OneLine(&fits).to_string(), fits);
    }
}
