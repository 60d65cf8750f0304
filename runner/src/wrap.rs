//! Words wrapped at the edge of a terminal, in text that arrives in pieces. What does not belong here: how wide the
//! terminal is, and what it obeys (`terminal.rs`).

use std::mem::take;
use unicode_width::UnicodeWidthChar;

/// Columns from one tab stop to the next.
const TAB: usize = 8;

/// What lines of code stand between.
const FENCE: &str = "```";

/// Breaks lines between words. A word is held back until it is complete, or as wide as the terminal; lines of code,
/// between lines that begin with three backquotes, stay as they are.
pub struct Wrap {
    width: usize,
    /// Columns of the line that are used, with those of words and spaces that were given out.
    column: usize,
    /// Blanks behind the last word.
    blanks: String,
    word: String,
    /// Whether the word goes on with one whose beginning was given out.
    continues: bool,
    /// Whether a word of the line was given out.
    begun: bool,
    in_code: bool,
}

impl Wrap {
    /// Lines of at most so many columns, of which there is at least one.
    pub fn new(width: usize) -> Wrap {
        let (blanks, word) = (String::new(), String::new());
        Wrap { width: width.max(1), column: 0, blanks, word, continues: false, begun: false, in_code: false }
    }

    /// Takes the next piece, and returns what can be shown.
    pub fn push(&mut self, piece: &str) -> String {
        let mut shown = String::new();
        for character in piece.chars() {
            match character {
                '\n' => self.end_line(&mut shown),
                ' ' | '\t' => {
                    self.end_word(&mut shown);
                    self.continues = false;
                    self.blanks.push(character);
                }
                _ => self.add(character, &mut shown),
            }
        }
        shown
    }

    /// What was held back: the text ends, or goes on in another style.
    pub fn flush(&mut self) -> String {
        let mut shown = String::new();
        let continues = !self.word.is_empty();
        self.end_word(&mut shown);
        shown += &self.take_blanks();
        self.continues = continues;
        shown
    }

    fn add(&mut self, character: char, shown: &mut String) {
        // Characters of two columns are those of scripts without spaces: lines break between them.
        let wide = character.width().unwrap_or(0) > 1;
        if wide && !self.word.is_empty() {
            self.end_word(shown);
        }
        self.word.push(character);
        if wide {
            self.end_word(shown);
        } else if columns(&self.word, 0) >= self.width {
            self.end_word(shown);
            self.continues = true;
        }
    }

    fn end_line(&mut self, shown: &mut String) {
        self.end_word(shown);
        self.blanks.clear();
        shown.push('\n');
        (self.column, self.begun, self.continues) = (0, false, false);
    }

    /// Gives the word out, on the next line where it does not fit on this one.
    fn end_word(&mut self, shown: &mut String) {
        if self.word.is_empty() {
            return;
        }
        let word = take(&mut self.word);
        if !self.begun && word.starts_with(FENCE) {
            self.in_code = !self.in_code;
        }
        let blanks = columns(&self.blanks, self.column);
        let wide = columns(&word, 0);
        let fits = self.column + blanks + wide <= self.width;
        if fits || self.in_code || take(&mut self.continues) || !self.begun {
            *shown += &self.take_blanks();
        } else {
            self.blanks.clear();
            shown.push('\n');
            self.column = 0;
        }
        *shown += &word;
        self.column += wide;
        if self.column > self.width {
            // The terminal breaks what is wider than a line.
            self.column %= self.width;
        }
        (self.begun, self.continues) = (true, false);
    }

    fn take_blanks(&mut self) -> String {
        self.column += columns(&self.blanks, self.column);
        take(&mut self.blanks)
    }
}

/// Columns of a text that begins in this one.
fn columns(text: &str, begin: usize) -> usize {
    let next = |column: usize, character: char| match character {
        '\t' => (column / TAB + 1) * TAB,
        _ => column + character.width().unwrap_or(0),
    };
    text.chars().fold(begin, next) - begin
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrapped<'a>(width: usize, pieces: impl IntoIterator<Item = &'a str>) -> String {
        let mut wrap = Wrap::new(width);
        let shown: String = pieces.into_iter().map(|piece| wrap.push(piece)).collect();
        shown + &wrap.flush()
    }

    #[test]
    fn lines_break_between_words() {
        assert_eq!(wrapped(10, ["one two three four"]), "one two\nthree four");
        assert_eq!(wrapped(10, ["one two", "th", "ree\nfour  five six "]), "one\ntwothree\nfour  five\nsix ");
        assert_eq!(wrapped(10, ["    one two"]), "    one\ntwo", "an indentation stays");
        assert_eq!(wrapped(9, ["a\tb c"]), "a\tb\nc", "a tab goes to column 8");
        assert_eq!(wrapped(4, ["one two\n\nsix"]), "one\ntwo\n\nsix");
    }

    #[test]
    fn a_word_that_is_wider_than_a_line_is_left_to_the_terminal() {
        assert_eq!(wrapped(5, ["a 1234567890123 b c"]), "a\n1234567890123 b\nc");
        assert_eq!(wrapped(5, ["1234567890123"]), "1234567890123");
    }

    #[test]
    fn scripts_without_spaces_break_anywhere() {
        assert_eq!(wrapped(6, ["日本語の文章"]), "日本語\nの文章");
        assert_eq!(wrapped(6, ["ab日本語"]), "ab日本\n語");
        // A mark over a character has no column of its own.
        assert_eq!(wrapped(3, ["e\u{301}te a"]), "e\u{301}te\na");
    }

    #[test]
    fn code_stays_as_it_is() {
        let code = "see\n```rust\nlet longer = than the line;\n  ```\n";
        assert_eq!(wrapped(10, [&[code, "one two three"].concat()[..]]), [code, "one two\nthree"].concat());
    }

    #[test]
    fn what_is_held_back_is_a_word() {
        let mut wrap = Wrap::new(20);
        assert_eq!(wrap.push("one tw"), "one");
        assert_eq!(wrap.push("o"), "");
        assert_eq!(wrap.push(" "), " two");
        assert_eq!(wrap.flush(), " ");
        assert_eq!(wrap.flush(), "");
    }

    /// Cuts change nothing, and lines are no wider than the terminal where their words are not.
    #[test]
    fn pieces_do_not_matter() {
        let text = "A bright cold day in April,\tand the clocks 時計 struck thirteen.\n\n  So. \u{301}\n```\na b c d e";
        for width in 1..40 {
            let whole = wrapped(width, [text]);
            for size in 1..7 {
                let characters: Vec<char> = text.chars().collect();
                let pieces: Vec<String> = characters.chunks(size).map(|piece| piece.iter().collect()).collect();
                assert_eq!(wrapped(width, pieces.iter().map(String::as_str)), whole, "{width} {size}");
            }
            let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>().concat();
            assert_eq!(words(&whole), words(text), "{width}");
            if width > 9 {
                assert!(whole.lines().all(|line| columns(line, 0) <= width), "{width}: {whole}");
            }
        }
    }
}
