//! Thoughts of a model told apart from its answer, in text that arrives in pieces. What belongs here: where a thought
//! begins and ends. What does not: stop strings, which end a text (`stop.rs`); what a program shows of a thought.

use crate::stop::longest_beginning;
use std::mem::take;

/// Tells the thoughts of a model from its answer, in text that arrives in pieces.
///
/// Reasoning models write what they think between `<think>` and `</think>`, and then the answer. The parser takes the
/// text as it is released (by [`StopStrings`](crate::StopStrings), or by a generation) and gives it back without the
/// tags, each piece as the one or the other:
///
/// * A thought stands before the answer. The tag that begins one counts where nothing but white space and whole
///   thoughts has come; behind the first word of the answer it is text, as in an answer about such tags.
/// * White space before a thought is part of the answer, as nobody knows yet what comes.
/// * Within a thought the tag that begins one is text. A thought that no tag ends goes on to the end of the text.
/// * Some templates end a prompt with the tag, and the text begins within the thought:
///   [`after`](ThoughtParser::after).
///
/// Only what may become a tag is withheld: the longest end of the text that is the beginning of the tag that would
/// count there, and not all of it. In the answer nothing is. The pieces, joined, do not depend on where the text was
/// cut.
///
/// ```
/// use trine_text::{Segment, ThoughtParser};
///
/// let mut parser = ThoughtParser::new();
/// let mut segments = parser.push("<think>7 times 6, ");
/// segments.extend(parser.push("easy.</th"));
/// assert_eq!(
///     segments,
///     [Segment::Thought("7 times 6, ".to_owned()), Segment::Thought("easy.".to_owned())]
/// );
/// assert_eq!(parser.push("ink>42"), [Segment::Answer("42".to_owned())]);
/// assert_eq!(parser.finish(), None);
/// ```
#[derive(Clone, Debug)]
pub struct ThoughtParser {
    open: String,
    close: String,
    place: Place,
    /// The beginning of what may be a tag.
    held: String,
}

/// Where in a text the parser is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// Nothing of the answer has come but white space.
    Before,
    Thought,
    Answer,
}

/// Text of one kind. It is never empty, and has no tags.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Segment {
    /// What the model thinks.
    Thought(String),
    /// What it answers.
    Answer(String),
}

impl Segment {
    /// The text.
    pub fn text(&self) -> &str {
        match self {
            Segment::Thought(text) | Segment::Answer(text) => text,
        }
    }
}

impl Default for ThoughtParser {
    fn default() -> Self {
        ThoughtParser::new()
    }
}

impl ThoughtParser {
    /// The tag that begins a thought, as all known models with thoughts in their text write it.
    pub const OPEN: &str = "<think>";

    /// The tag that ends a thought.
    pub const CLOSE: &str = "</think>";

    /// A parser that has seen nothing of a text with the usual tags.
    pub fn new() -> ThoughtParser {
        ThoughtParser::with_tags(ThoughtParser::OPEN, ThoughtParser::CLOSE)
    }

    /// The same with other tags. White space around a tag is no part of it, and an empty tag is one that never comes.
    pub fn with_tags(open: &str, close: &str) -> ThoughtParser {
        let (open, close) = (open.trim().to_owned(), close.trim().to_owned());
        ThoughtParser { open, close, place: Place::Before, held: String::new() }
    }

    /// The same for the text that follows `prompt`: it begins within a thought where the prompt ends with the tag,
    /// behind which there may be white space. The last tokens of a prompt are enough.
    #[must_use]
    pub fn after(self, prompt: &str) -> ThoughtParser {
        let opened = !self.open.is_empty() && prompt.trim_end().ends_with(&self.open);
        ThoughtParser { place: if opened { Place::Thought } else { self.place }, ..self }
    }

    /// Whether the text so far ends within a thought.
    pub fn is_in_thought(&self) -> bool {
        self.place == Place::Thought
    }

    /// Takes the next piece of the text, and returns what is certain with it.
    pub fn push(&mut self, piece: &str) -> Vec<Segment> {
        self.held.push_str(piece);
        let mut segments = Vec::new();
        while !self.held.is_empty() && self.step(&mut segments) {}
        segments
    }

    /// What was withheld, when the text ends.
    pub fn finish(&mut self) -> Option<Segment> {
        let text = take(&mut self.held);
        (!text.is_empty()).then(|| self.segment(text))
    }

    /// Text of where the parser is.
    fn segment(&self, text: String) -> Segment {
        if self.is_in_thought() { Segment::Thought(text) } else { Segment::Answer(text) }
    }

    /// Gives out what is certain up to the next change of place, and says whether there was one.
    fn step(&mut self, segments: &mut Vec<Segment>) -> bool {
        let (certain, tag, next) = match self.place {
            Place::Answer => (self.held.len(), 0, None),
            Place::Before => self.before(),
            Place::Thought => match self.held.find(&self.close).filter(|_| !self.close.is_empty()) {
                Some(at) => (at, self.close.len(), Some(Place::Before)),
                None => (self.held.len() - longest_beginning(&self.held, &self.close), 0, None),
            },
        };
        let rest = self.held.split_off(certain);
        let text = std::mem::replace(&mut self.held, rest);
        if !text.is_empty() {
            segments.push(self.segment(text));
        }
        self.held.drain(..tag);
        self.place = next.unwrap_or(self.place);
        next.is_some()
    }

    /// How much is certain where nothing has come, the length of the tag behind that, and what is behind both.
    fn before(&self) -> (usize, usize, Option<Place>) {
        let rest = self.held.trim_start();
        let blank = self.held.len() - rest.len();
        match rest {
            "" => (blank, 0, None),
            _ if self.open.is_empty() => (blank, 0, Some(Place::Answer)),
            _ if rest.starts_with(&self.open) => (blank, self.open.len(), Some(Place::Thought)),
            _ if self.open.starts_with(rest) => (blank, 0, None),
            _ => (blank, 0, Some(Place::Answer)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use regex::Regex;

    const THOUGHT: bool = true;

    /// Segments with neighbours of one kind joined.
    fn joined(segments: impl IntoIterator<Item = Segment>) -> Vec<(bool, String)> {
        let mut joined: Vec<(bool, String)> = Vec::new();
        for segment in segments {
            let kind = matches!(segment, Segment::Thought(_));
            assert!(!segment.text().is_empty());
            match joined.last_mut().filter(|(last, _)| *last == kind) {
                Some((_, text)) => text.push_str(segment.text()),
                None => joined.push((kind, segment.text().to_owned())),
            }
        }
        joined
    }

    fn parse<'a>(mut parser: ThoughtParser, pieces: impl IntoIterator<Item = &'a str>) -> Vec<(bool, String)> {
        let mut segments: Vec<Segment> = pieces.into_iter().flat_map(|piece| parser.push(piece)).collect();
        segments.extend(parser.finish());
        joined(segments)
    }

    fn whole(text: &str) -> Vec<(bool, String)> {
        parse(ThoughtParser::new(), [text])
    }

    fn thought(text: &str) -> (bool, String) {
        (THOUGHT, text.to_owned())
    }

    fn answer(text: &str) -> (bool, String) {
        (!THOUGHT, text.to_owned())
    }

    #[test]
    fn a_thought_stands_before_the_answer() {
        assert_eq!(whole("<think>a</think>b"), [thought("a"), answer("b")]);
        assert_eq!(whole("\n<think>\na\n</think>\n\nb"), [answer("\n"), thought("\na\n"), answer("\n\nb")]);
        assert_eq!(whole("<think></think>b"), [answer("b")]);
        assert_eq!(whole("<think>a</think> <think>b</think>c"), [thought("a"), answer(" "), thought("b"), answer("c")]);
        assert_eq!(whole("<think>a <think> b</think>c"), [thought("a <think> b"), answer("c")]);
        assert_eq!(
            whole("The tag <think> opens, </think> closes."),
            [answer("The tag <think> opens, </think> closes.")]
        );
        assert_eq!(whole("</think>b"), [answer("</think>b")], "a tag that ends nothing is text");
        assert_eq!(whole("<think>and so on"), [thought("and so on")]);
        assert_eq!(whole("<thin"), [answer("<thin")]);
        assert_eq!(whole("<think>a</thin"), [thought("a</thin")]);
        assert_eq!(whole(""), []);
    }

    #[test]
    fn a_prompt_may_have_begun_the_thought() {
        for prompt in ["user: hi\nassistant: <think>", "<think>\n", "<think> \n\n"] {
            let parser = ThoughtParser::new().after(prompt);
            assert!(parser.is_in_thought());
            assert_eq!(parse(parser, ["a", "</think>", "b"]), [thought("a"), answer("b")], "{prompt}");
        }
        for prompt in ["", "assistant:", "<think>\n\n</think>\n\n", "what is <think>?"] {
            assert_eq!(parse(ThoughtParser::new().after(prompt), ["a</think>b"]), [answer("a</think>b")], "{prompt}");
        }
    }

    #[test]
    fn other_tags_are_told_as_well() {
        let parser = ThoughtParser::with_tags(" [THINK]\n", "[/THINK]");
        assert_eq!(parse(parser, ["[THI", "NK]<think>a[/THINK", "]b"]), [thought("<think>a"), answer("b")]);
        let endless = ThoughtParser::with_tags("<", "").after("<");
        assert_eq!(parse(endless, ["a</think>", "b"]), [thought("a</think>b")]);
        let none = ThoughtParser::with_tags("", "").after("a");
        assert_eq!(parse(none, ["<think>a"]), [answer("<think>a")]);
    }

    #[test]
    fn only_what_may_become_a_tag_is_withheld() {
        let mut parser = ThoughtParser::new();
        assert_eq!(parser.push(" \n<thi"), [Segment::Answer(" \n".to_owned())]);
        assert_eq!(parser.push("nk"), []);
        assert_eq!(parser.push(">a</"), [Segment::Thought("a".to_owned())]);
        assert_eq!(parser.push("</th"), [Segment::Thought("</".to_owned())]);
        assert_eq!(parser.push("e"), [Segment::Thought("</the".to_owned())]);
        assert_eq!(parser.push("</think>b<thi"), [Segment::Answer("b<thi".to_owned())], "the answer has begun");
    }

    /// What the rules say of a whole text, by an expression for the thoughts before the answer.
    fn by_expression(text: &str) -> Vec<(bool, String)> {
        let next = Regex::new(r"(?s)\A(\s*)<think>(.*?)(</think>|\z)").unwrap();
        let (mut segments, mut rest) = (Vec::new(), text);
        while let Some(found) = next.captures(rest) {
            segments.push(Segment::Answer(found[1].to_owned()));
            segments.push(Segment::Thought(found[2].to_owned()));
            rest = &rest[found[0].len()..];
            if found[3].is_empty() {
                break;
            }
        }
        segments.push(Segment::Answer(rest.to_owned()));
        joined(segments.into_iter().filter(|segment| !segment.text().is_empty()))
    }

    /// Texts of tags, parts of tags and what is around them.
    fn texts() -> impl Strategy<Value = String> {
        const PARTS: [&str; 12] = ["<think>", "</think>", "<", "</", "think", "k>", ">", " ", "\n", "a", "é", "<think"];
        prop::collection::vec(prop::sample::select(&PARTS[..]), 0..14).prop_map(|parts| parts.concat())
    }

    proptest! {
        /// Wherever the text is cut, it has the same thoughts and the same answer: those that the rules say.
        #[test]
        fn cuts_do_not_matter(text in texts(), cuts in prop::collection::vec(1usize..5, 1..40)) {
            let characters: Vec<char> = text.chars().collect();
            let (mut pieces, mut begin) = (Vec::new(), 0);
            for size in cuts.iter().cycle() {
                if begin == characters.len() {
                    break;
                }
                let end = (begin + size).min(characters.len());
                pieces.push(characters[begin..end].iter().collect::<String>());
                begin = end;
            }
            let cut = parse(ThoughtParser::new(), pieces.iter().map(String::as_str));
            prop_assert_eq!(&cut, &whole(&text));
            prop_assert_eq!(&cut, &by_expression(&text));
        }

        /// A thought that the prompt began is that of the text with the tag before it.
        #[test]
        fn a_tag_in_the_prompt_is_one_before_the_text(text in texts()) {
            let begun = parse(ThoughtParser::new().after("<think>"), [text.as_str()]);
            prop_assert_eq!(begun, whole(&["<think>", &text].concat()));
        }

        /// What is withheld of a text is an end of it that begins a tag, and the longest one.
        #[test]
        fn no_more_is_withheld_than_may_become_a_tag(text in texts()) {
            let mut parser = ThoughtParser::new();
            let mut before = String::new();
            for character in text.chars() {
                before.push(character);
                parser.push(&character.to_string());
                let tag = match parser.place {
                    Place::Before => ThoughtParser::OPEN,
                    Place::Thought => ThoughtParser::CLOSE,
                    Place::Answer => "",
                };
                let held = parser.clone().finish().map_or(String::new(), |segment| segment.text().to_owned());
                prop_assert!(before.ends_with(&held) && tag.starts_with(&held));
                prop_assert!(held.is_empty() || held.len() < tag.len());
                // In a thought the end of the text may begin its end; what may begin a thought is all that there is.
                if parser.place == Place::Thought {
                    let longer = (held.len() + 1..tag.len()).find(|&len| before.ends_with(&tag[..len]));
                    prop_assert_eq!(longer, None);
                }
            }
        }
    }
}
