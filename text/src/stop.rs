//! Stop strings in text that arrives in pieces. Stop tokens are compared where tokens are
//! drawn, in `trine-model`.

/// Finds the first of several strings in a text that arrives in pieces, and holds back what may begin one.
///
/// A text ends where the first stop string is complete; of several that are complete at once the longest is meant. So
/// the output does not depend on where the pieces were cut. An empty string stops nothing.
#[derive(Clone, Debug)]
pub struct StopStrings {
    strings: Vec<String>,
    held: String,
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
        StopStrings { strings, held: String::new() }
    }

    /// Takes the next piece. After a stop the matcher is empty and ready for another text.
    pub fn push(&mut self, piece: &str) -> Released {
        self.held.push_str(piece);
        match self.first_match() {
            Some((start, stop)) => {
                let mut text = std::mem::take(&mut self.held);
                text.truncate(start);
                Released { text, stop: Some(stop) }
            }
            None => {
                let certain = self.held.len() - self.longest_beginning();
                let rest = self.held.split_off(certain);
                Released { text: std::mem::replace(&mut self.held, rest), stop: None }
            }
        }
    }

    /// What was held back, when the text ends without a stop string.
    pub fn finish(&mut self) -> String {
        std::mem::take(&mut self.held)
    }

    /// Where the stop string that ends first begins, and which it is.
    fn first_match(&self) -> Option<(usize, String)> {
        let found = self.strings.iter().filter_map(|stop| Some((self.held.find(stop.as_str())?, stop)));
        let (start, stop) = found.min_by_key(|&(start, stop)| (start + stop.len(), start))?;
        Some((start, stop.clone()))
    }

    /// Length of the longest end of the held text that begins a stop string.
    fn longest_beginning(&self) -> usize {
        let begins = |stop: &String| {
            let ends = (1..stop.len().min(self.held.len() + 1)).rev();
            ends.filter(|&len| stop.is_char_boundary(len)).find(|&len| self.held.ends_with(&stop[..len])).unwrap_or(0)
        };
        self.strings.iter().map(begins).max().unwrap_or(0)
    }
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
