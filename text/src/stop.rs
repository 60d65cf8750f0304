//! Stop strings in text that arrives in pieces, with and without the texts of control tokens. Stop tokens are compared
//! where tokens are drawn, in `trine-model`.

use std::mem::take;

/// Finds the first of several strings in a text that arrives in pieces, and holds back what may begin one.
///
/// A text ends where the first stop string is complete; of several that are complete at once the longest is meant. So
/// the output does not depend on where the pieces were cut. An empty string stops nothing.
///
/// Some text may be hidden: that of control tokens, which is never part of the output. Strings are looked for both in
/// the whole text and in what is shown of it.
#[derive(Clone, Debug)]
pub struct StopStrings {
    strings: Vec<String>,
    held: Held,
}

/// Text that was not released yet.
#[derive(Clone, Debug, Default)]
struct Held {
    shown: String,
    /// Hidden texts, in their order, each with the length of the shown text before it.
    hidden: Vec<(usize, String)>,
}

impl Held {
    /// The whole text.
    fn whole(&self) -> String {
        let mut whole = self.shown.clone();
        for (at, text) in self.hidden.iter().rev() {
            whole.insert_str(*at, text);
        }
        whole
    }

    /// The length of the whole text up to `end` bytes of the shown one, with the hidden text there where it ends.
    fn whole_len(&self, end: usize) -> usize {
        end + self.hidden.iter().filter(|(at, _)| *at < end).map(|(_, text)| text.len()).sum::<usize>()
    }

    /// The length of the shown text up to `end` bytes of the whole one.
    fn shown_len(&self, end: usize) -> usize {
        let mut before = 0;
        for (at, text) in &self.hidden {
            if at + before >= end {
                break;
            }
            if at + before + text.len() >= end {
                return *at;
            }
            before += text.len();
        }
        end - before
    }

    /// Takes the shown text of the first `end` bytes of the whole one away.
    fn release(&mut self, end: usize) -> String {
        let shown = self.shown_len(end);
        let mut before = 0;
        self.hidden.retain_mut(|(at, text)| {
            let begins = *at + before;
            before += text.len();
            *at = at.saturating_sub(shown);
            let ends = begins + text.len();
            // What is left of a hidden text may still begin a stop string.
            text.drain(..end.saturating_sub(begins).min(text.len()));
            ends > end
        });
        let rest = self.shown.split_off(shown);
        std::mem::replace(&mut self.shown, rest)
    }
}

/// What a piece of text added.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Released {
    /// Text that is certainly before any stop string.
    pub text: String,
    /// The stop string that is now complete; it is not in the text, and nothing after it is.
    pub stop: Option<String>,
}

impl StopStrings {
    /// A matcher that has seen nothing.
    pub fn new(strings: &[String]) -> StopStrings {
        let strings = strings.iter().filter(|string| !string.is_empty()).cloned().collect();
        StopStrings { strings, held: Held::default() }
    }

    /// Takes the next piece. After a stop the matcher is empty and ready for another text.
    pub fn push(&mut self, piece: &str) -> Released {
        self.held.shown.push_str(piece);
        self.search()
    }

    /// Takes the next piece, which is not shown.
    pub fn push_hidden(&mut self, piece: &str) -> Released {
        if !self.strings.is_empty() {
            self.held.hidden.push((self.held.shown.len(), piece.to_owned()));
        }
        self.search()
    }

    /// What was held back, when the text ends without a stop string.
    pub fn finish(&mut self) -> String {
        take(&mut self.held).shown
    }

    fn search(&mut self) -> Released {
        let whole = self.held.whole();
        match self.first_match(&whole) {
            Some((start, stop)) => {
                let text = self.held.release(start);
                self.held = Held::default();
                Released { text, stop: Some(stop) }
            }
            None => Released { text: self.held.release(self.certain(&whole)), stop: None },
        }
    }

    /// Where the stop string that ends first begins in the whole text, and which it is.
    fn first_match(&self, whole: &str) -> Option<(usize, String)> {
        let found = self.strings.iter().flat_map(|stop| {
            let in_whole = whole.find(stop.as_str()).map(|start| (start, start + stop.len()));
            let in_shown = self.held.shown.find(stop.as_str());
            let in_shown = in_shown.map(|start| (self.held.whole_len(start), self.held.whole_len(start + stop.len())));
            in_whole.into_iter().chain(in_shown).map(move |(start, end)| (end, start, stop))
        });
        let (_, start, stop) = found.min_by_key(|&(end, start, _)| (end, start))?;
        Some((start, stop.clone()))
    }

    /// The length of the whole text without the longest end of it, or of what is shown, that begins a stop string.
    fn certain(&self, whole: &str) -> usize {
        let shown = self.held.shown.len() - self.longest_beginning(&self.held.shown);
        let in_shown = if shown == self.held.shown.len() { whole.len() } else { self.held.whole_len(shown) };
        in_shown.min(whole.len() - self.longest_beginning(whole))
    }

    /// Length of the longest end of a text that begins a stop string.
    fn longest_beginning(&self, text: &str) -> usize {
        self.strings.iter().map(|stop| longest_beginning(text, stop)).max().unwrap_or(0)
    }
}

/// Length of the longest end of a text that begins `string` and is not all of it.
pub(crate) fn longest_beginning(text: &str, string: &str) -> usize {
    let ends = (1..string.len().min(text.len() + 1)).rev();
    ends.filter(|&len| string.is_char_boundary(len)).find(|&len| text.ends_with(&string[..len])).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn matcher(strings: &[&str]) -> StopStrings {
        StopStrings::new(&strings.iter().map(|&string| string.to_owned()).collect::<Vec<_>>())
    }

    /// The whole output of a text cut into pieces, and the stop string if there was one.
    fn run<'a>(stops: &[&str], pieces: impl IntoIterator<Item = &'a str>) -> (String, Option<String>) {
        let (mut stops, mut output) = (matcher(stops), String::new());
        for piece in pieces {
            let released = stops.push(piece);
            output += &released.text;
            if released.stop.is_some() {
                return (output, released.stop);
            }
        }
        (output + &stops.finish(), None)
    }

    #[test]
    fn a_stop_across_pieces_is_cut_out() {
        assert_eq!(
            run(&["\n\nUser:"], ["Fine.\n", "\nUs", "er: and", " more"]),
            ("Fine.".into(), Some("\n\nUser:".into()))
        );
    }

    #[test]
    fn a_beginning_is_held_back_only_while_it_may_grow() {
        let mut stops = matcher(&["END"]);
        assert_eq!(stops.push("the E").text, "the ");
        assert_eq!(stops.push("N").text, "");
        assert_eq!(stops.push("ERGY").text, "ENERGY");
        assert_eq!(stops.push(" EEN").text, " E");
        assert_eq!(stops.finish(), "EN");
    }

    #[test]
    fn the_stop_that_is_complete_first_counts() {
        assert_eq!(run(&["abcd", "c"], ["abcd"]), ("ab".into(), Some("c".into())));
        assert_eq!(run(&["bc", "abc"], ["xabc"]), ("x".into(), Some("abc".into())));
    }

    #[test]
    fn empty_strings_and_no_strings_stop_nothing() {
        assert_eq!(run(&["", "é"], ["text"]), ("text".into(), None));
        assert_eq!(matcher(&[]).push("all at once").text, "all at once");
    }

    /// The whole output of pieces of which those in angle brackets are hidden.
    fn run_hidden(stops: &[&str], pieces: &[&str]) -> (String, Option<String>) {
        let (mut stops, mut output) = (matcher(stops), String::new());
        for piece in pieces {
            let released = if piece.starts_with('<') { stops.push_hidden(piece) } else { stops.push(piece) };
            output += &released.text;
            if released.stop.is_some() {
                return (output, released.stop);
            }
        }
        (output + &stops.finish(), None)
    }

    #[test]
    fn hidden_text_stops_and_is_never_shown() {
        let halted = |text: &str, stop: &str| (text.to_owned(), Some(stop.to_owned()));
        assert_eq!(run_hidden(&["<halt>"], &["ab", "<halt>", "c"]), halted("ab", "<halt>"));
        assert_eq!(run_hidden(&["b<halt>c"], &["ab", "<halt>", "cd"]), halted("a", "b<halt>c"));
        assert_eq!(run_hidden(&["<a><b>"], &["x", "<a>", "y", "<a>", "<b>"]), halted("xy", "<a><b>"));
        // What is shown stops across it, and may be the shorter match of the two.
        assert_eq!(run_hidden(&["bc"], &["ab", "<halt>", "cd"]), halted("a", "bc"));
        assert_eq!(run_hidden(&["bc", "<halt>c"], &["ab", "<halt>", "c"]), halted("a", "bc"));
        assert_eq!(run_hidden(&["b<no>", "c<x>z"], &["ab", "<halt>", "c", "<x>", "y"]), ("abcy".to_owned(), None));
        assert_eq!(run_hidden(&[], &["ab", "<halt>", "c"]), ("abc".to_owned(), None));
    }

    #[test]
    fn hidden_text_is_held_back_no_longer_than_it_may_matter() {
        let mut stops = matcher(&["b<halt>c"]);
        assert_eq!(stops.push("ab").text, "a");
        assert_eq!(stops.push_hidden("<halt>").text, "");
        assert_eq!(stops.push("d").text, "bd");
        assert_eq!(stops.push_hidden("<halt>").text, "");
        assert_eq!((stops.push("c").text, stops.push("b").text), ("c".to_owned(), String::new()));
        assert_eq!(stops.push_hidden("<halt>").text, "");
        assert_eq!(stops.push("c"), Released { text: String::new(), stop: Some("b<halt>c".to_owned()) });
    }

    /// The end of a hidden text begins a stop string as any text does.
    #[test]
    fn a_stop_begins_inside_of_hidden_text() {
        let halted = |text: &str, stop: &str| (text.to_owned(), Some(stop.to_owned()));
        assert_eq!(run_hidden(&["t|>x"], &["ab", "<|halt|>", "x", "y"]), halted("ab", "t|>x"));
        assert_eq!(run_hidden(&["é>xy"], &["ab", "<é>", "x", "y"]), halted("ab", "é>xy"));
        assert_eq!(run_hidden(&["t|>x"], &["ab", "<|halt|>", "c", "x"]), ("abcx".to_owned(), None));
        assert_eq!(run_hidden(&["b><a>c"], &["x", "<b>", "<a>", "c"]), halted("x", "b><a>c"));
    }

    proptest! {
        /// The output is the same however the text is cut, and is the text up to the first stop.
        #[test]
        fn pieces_do_not_matter(
            text in "[abé]{0,30}", stops in prop::collection::vec("[abé]{1,4}", 0..4), size in 1usize..6,
        ) {
            let stops: Vec<&str> = stops.iter().map(String::as_str).collect();
            let whole = run(&stops, [text.as_str()]);
            let characters: Vec<char> = text.chars().collect();
            let pieces: Vec<String> = characters.chunks(size).map(|piece| piece.iter().collect()).collect();
            prop_assert_eq!(&run(&stops, pieces.iter().map(String::as_str)), &whole);
            match &whole.1 {
                None => {
                    prop_assert_eq!(&whole.0, &text);
                    prop_assert!(stops.iter().all(|stop| !text.contains(stop)));
                }
                Some(stop) => prop_assert!(text.starts_with(&[whole.0.as_str(), stop].concat())),
            }
        }
    }
}
