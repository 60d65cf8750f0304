//! The text of an answer as a message: what the model thinks, says and calls. One value does this for answers that are
//! sent whole and for events. What does not belong here: the tags by which these are told apart (`trine-text`).

use crate::id;
use trine::text::{CallParser, CallPart, Segment, ThoughtParser};

/// What is added to a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    /// To what the model thinks.
    Thought(String),
    /// To what it says.
    Content(String),
    /// A call begins.
    Call {
        /// Its id.
        id: String,
        /// The tool.
        name: String,
    },
    /// To the arguments of the call.
    Arguments(String),
    /// The call ends.
    End,
}

/// Takes the text of an answer apart.
#[derive(Clone, Debug)]
pub struct MessageParser {
    thoughts: Option<ThoughtParser>,
    calls: Option<CallParser>,
    /// Calls beyond are left out.
    most_calls: usize,
    /// Whether thoughts are told.
    tells_thoughts: bool,
    begun: usize,
    thought: Blanks,
    content: Blanks,
}

/// Blanks around a text, which are no part of it.
#[derive(Clone, Debug, Default)]
struct Blanks {
    /// Whether those before it are left out.
    before: bool,
    /// Those behind what was said, where they are left out unless more is said.
    behind: Option<String>,
}

impl Blanks {
    fn take(&mut self, text: &str) -> String {
        let text = if self.before { text.trim_start() } else { text };
        self.before &= text.is_empty();
        let Some(held) = &mut self.behind else { return text.to_owned() };
        let said = text.trim_end();
        if said.is_empty() {
            held.push_str(text);
            return String::new();
        }
        std::mem::replace(held, text[said.len()..].to_owned()) + said
    }
}

impl MessageParser {
    /// Takes thoughts and calls apart as far as there are parsers for them.
    pub fn new(thoughts: Option<ThoughtParser>, calls: Option<CallParser>) -> MessageParser {
        MessageParser {
            thoughts,
            calls,
            most_calls: usize::MAX,
            tells_thoughts: true,
            begun: 0,
            thought: Blanks { before: true, behind: Some(String::new()) },
            content: Blanks::default(),
        }
    }

    /// The same with so many calls at most.
    #[must_use]
    pub fn with_calls(self, most_calls: usize) -> MessageParser {
        MessageParser { most_calls, ..self }
    }

    /// The same with thoughts left out unless they are told.
    #[must_use]
    pub fn telling_thoughts(self, tells_thoughts: bool) -> MessageParser {
        MessageParser { tells_thoughts, ..self }
    }

    /// Whether the text so far ends within a thought.
    pub fn is_in_thought(&self) -> bool {
        self.thoughts.as_ref().is_some_and(ThoughtParser::is_in_thought)
    }

    /// Whether there was a call.
    pub fn has_calls(&self) -> bool {
        self.begun > 0 && self.most_calls > 0
    }

    /// Takes the next piece of the text.
    pub fn push(&mut self, text: &str) -> Vec<Piece> {
        let mut pieces = Vec::new();
        if text.is_empty() {
            return pieces;
        }
        match &mut self.thoughts {
            None => self.answer(text, &mut pieces),
            Some(thoughts) => {
                let segments = thoughts.push(text);
                segments.into_iter().for_each(|segment| self.segment(segment, &mut pieces));
            }
        }
        pieces
    }

    /// What was withheld, when the text ends.
    pub fn finish(&mut self) -> Vec<Piece> {
        let mut pieces = Vec::new();
        if let Some(segment) = self.thoughts.as_mut().and_then(ThoughtParser::finish) {
            self.segment(segment, &mut pieces);
        }
        let rest = self.calls.as_mut().map(CallParser::finish).unwrap_or_default();
        rest.into_iter().for_each(|part| self.part(part, &mut pieces));
        pieces
    }

    fn segment(&mut self, segment: Segment, pieces: &mut Vec<Piece>) {
        match segment {
            Segment::Answer(text) => self.answer(&text, pieces),
            Segment::Thought(text) => {
                self.content.before = true;
                let text = self.thought.take(&text);
                if self.tells_thoughts && !text.is_empty() {
                    pieces.push(Piece::Thought(text));
                }
            }
        }
    }

    fn answer(&mut self, text: &str, pieces: &mut Vec<Piece>) {
        match &mut self.calls {
            None => self.part(CallPart::Content(text.to_owned()), pieces),
            Some(calls) => {
                let parts = calls.push(text);
                parts.into_iter().for_each(|part| self.part(part, pieces));
            }
        }
    }

    fn part(&mut self, part: CallPart, pieces: &mut Vec<Piece>) {
        let piece = match part {
            CallPart::Content(text) => {
                let text = self.content.take(&text);
                if !text.is_empty() {
                    pieces.push(Piece::Content(text));
                }
                return;
            }
            CallPart::Name(name) => {
                self.begun += 1;
                Piece::Call { id: id::new("call_"), name }
            }
            CallPart::Arguments(text) => Piece::Arguments(text),
            CallPart::End => Piece::End,
            // Parts of other kinds come with other formats.
            _ => return,
        };
        if self.begun <= self.most_calls {
            pieces.push(piece);
        }
    }
}

/// A message in the making.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Message {
    /// What the model thought.
    pub thought: String,
    /// What it said.
    pub content: String,
    /// What it called.
    pub calls: Vec<Call>,
}

/// A call of a tool.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Call {
    /// Its id.
    pub id: String,
    /// The tool.
    pub name: String,
    /// A JSON object, if the model wrote one.
    pub arguments: String,
}

impl Message {
    /// The message of these pieces.
    pub fn of(pieces: &[Piece]) -> Message {
        let mut message = Message::default();
        for piece in pieces {
            match (piece, message.calls.last_mut()) {
                (Piece::Thought(text), _) => message.thought += text,
                (Piece::Content(text), _) => message.content += text,
                (Piece::Call { id, name }, _) => {
                    message.calls.push(Call { id: id.clone(), name: name.clone(), ..Call::default() });
                }
                (Piece::Arguments(text), Some(call)) => call.arguments += text,
                (Piece::Arguments(_) | Piece::End, _) => {}
            }
        }
        message
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use trine::text::{CallFormat, Tool};

    const TEXT: &str = "<think>\nhm\n</think>\n\nSo \
                        <tool_call>{\"name\": \"f\", \"arguments\": {\"a\": 1}}</tool_call>\n\
                        <tool_call>{\"name\": \"f\"}</tool_call>";

    fn parser() -> MessageParser {
        let tool = Tool { name: "f".to_owned(), ..Tool::default() };
        MessageParser::new(Some(ThoughtParser::new()), Some(CallParser::new(vec![tool], CallFormat::Tagged)))
    }

    fn message(mut parser: MessageParser, size: usize) -> Message {
        let characters: Vec<char> = TEXT.chars().collect();
        let mut pieces = Vec::new();
        for piece in characters.chunks(size) {
            pieces.extend(parser.push(&piece.iter().collect::<String>()));
        }
        pieces.extend(parser.finish());
        assert!(parser.has_calls());
        Message::of(&pieces)
    }

    #[test]
    fn a_message_has_what_its_text_has_however_it_comes() {
        for size in [1, 3, 1000] {
            let Message { thought, content, calls } = message(parser(), size);
            assert_eq!((thought.as_str(), content.as_str(), calls.len()), ("hm", "So ", 2));
            assert_eq!((calls[0].name.as_str(), calls[0].arguments.as_str()), ("f", "{\"a\": 1}"));
            assert_eq!((calls[1].arguments.as_str(), calls[1].id == calls[0].id), ("{}", false));
            let one = message(parser().with_calls(1).telling_thoughts(false), size);
            assert_eq!((one.thought.as_str(), one.calls.len()), ("", 1));
        }
    }

    #[test]
    fn without_parsers_all_is_content() {
        let mut plain = MessageParser::new(None, None);
        assert_eq!(plain.push(TEXT), [Piece::Content(TEXT.to_owned())]);
        assert!(plain.finish().is_empty() && !plain.has_calls() && !plain.is_in_thought());
    }
}
