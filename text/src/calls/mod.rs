//! Calls of tools told apart from what an answer says, in text that arrives in pieces: the other direction of what a
//! chat template writes. What belongs here: the forms of calls. What does not: thoughts, which come before an answer
//! (`thoughts.rs`); which tools there are, and what a call does.

mod head;
mod scan;

use crate::stop::longest_beginning;
use head::{Head, head};
use scan::{Scan, Step};
use std::collections::BTreeMap;
use std::mem::take;

/// The tag that begins a call.
const OPEN: &str = "<tool_call>";

/// The tag that ends a call.
const CLOSE: &str = "</tool_call>";

/// What may stand before the calls of Llama 3.
const PYTHON: &str = "<|python_tag|>";

const FUNCTION: &str = "<function=";
const FUNCTION_END: &str = "</function>";
const PARAMETER: &str = "<parameter=";
const PARAMETER_END: &str = "</parameter>";

/// The longest beginning of a call up to its arguments, in bytes: what is longer is no call.
const LONGEST_HEAD: usize = 64 << 10;

/// A tool, as far as its calls are read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tool {
    /// Its name.
    pub name: String,
    /// Its parameters, and whether each is a text: where a form writes values without quotes, others are JSON.
    pub parameters: BTreeMap<String, bool>,
}

/// How a model writes calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CallFormat {
    /// Between `<tool_call>` and `</tool_call>`: a JSON object with `name` and `arguments`, as Qwen 2.5, Qwen 3 and
    /// Hermes write it, or `<function=NAME>` with a `<parameter=KEY>` for each argument, as Qwen 3.5 and Qwen 3 Coder
    /// do.
    Tagged,
    /// The answer is nothing but JSON objects with `name` and `parameters`, separated by `;`, as Llama 3 writes it.
    Bare,
}

/// A part of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CallPart {
    /// What the answer says. It is never empty.
    Content(String),
    /// A call of the tool of this name begins.
    Name(String),
    /// The next part of the call's arguments. All of them together are a JSON object, if the model wrote one.
    Arguments(String),
    /// The call ends.
    End,
}

/// Tells the calls of an answer from what it says, in text that arrives in pieces.
///
/// * Only what may become a call is withheld: the longest end of the text that begins a tag, and a call up to its
///   arguments. These are given out as they arrive, a parameter between tags when it is complete.
/// * What is no call of one of the tools is content, all of it.
/// * Where the text of a call goes wrong behind its name, what was given out stands, and the rest is content.
/// * Blanks behind a call are left out.
///
/// The parts, joined, do not depend on where the text was cut.
///
/// ```
/// use trine_text::{CallFormat, CallParser, CallPart, Tool};
///
/// let tool = Tool { name: "weather".to_owned(), ..Tool::default() };
/// let mut parser = CallParser::new(vec![tool], CallFormat::Tagged);
/// let mut parts = parser.push("Let me look.<tool_call>{\"name\": \"weather\", \"argu");
/// parts.extend(parser.push("ments\": {\"city\": \"Bonn\"}}</tool_call>"));
/// assert_eq!(
///     parts,
///     [
///         CallPart::Content("Let me look.".to_owned()),
///         CallPart::Name("weather".to_owned()),
///         CallPart::Arguments("{\"city\": \"Bonn\"}".to_owned()),
///         CallPart::End,
///     ]
/// );
/// ```
#[derive(Clone, Debug)]
pub struct CallParser {
    tools: Vec<Tool>,
    format: CallFormat,
    state: State,
    /// Text of which nothing is certain.
    held: String,
    /// Whether blanks are left out until something is said.
    trims: bool,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
enum State {
    /// Nothing was said, so that a call may begin without a tag.
    Start,
    #[default]
    Content,
    /// Behind a tag: it may be a call.
    Opened,
    /// In the arguments of a call.
    Arguments(Scan),
    /// Behind the arguments, in the object of the call.
    Tail(Scan),
    /// In a call of the tool with this place, whose parameters are between tags; whether there was one.
    Parameters(usize, bool),
    /// Behind a call, before the tag that ends it.
    Close,
    /// Behind a call, where another one may follow.
    Between,
}

impl CallParser {
    /// A parser that knows these tools.
    pub fn new(tools: Vec<Tool>, format: CallFormat) -> CallParser {
        CallParser { tools, format, state: State::Start, held: String::new(), trims: false }
    }

    /// The parts that are certain with this piece.
    pub fn push(&mut self, piece: &str) -> Vec<CallPart> {
        self.held.push_str(piece);
        let mut parts = Vec::new();
        while self.step(&mut parts) {}
        joined(parts)
    }

    /// The rest, when the text ends.
    pub fn finish(&mut self) -> Vec<CallPart> {
        let mut parts = Vec::new();
        let rest = take(&mut self.held);
        match take(&mut self.state) {
            State::Start | State::Content => self.say(rest, &mut parts),
            State::Opened => self.say(self.tag().to_owned() + &rest, &mut parts),
            State::Arguments(_) | State::Tail(_) | State::Parameters(..) => parts.push(CallPart::End),
            State::Close | State::Between => {}
        }
        joined(parts)
    }

    /// The text of the tag that has begun a call.
    fn tag(&self) -> &'static str {
        if self.format == CallFormat::Tagged { OPEN } else { "" }
    }

    fn say(&mut self, text: String, parts: &mut Vec<CallPart>) {
        let said = if self.trims { text.trim_start().to_owned() } else { text };
        self.trims &= said.is_empty();
        if !said.is_empty() {
            parts.push(CallPart::Content(said));
        }
    }

    /// Says what is held but for its last bytes.
    fn say_but(&mut self, held: usize, parts: &mut Vec<CallPart>) {
        let rest = self.held.split_off(self.held.len() - held);
        let text = std::mem::replace(&mut self.held, rest);
        self.say(text, parts);
    }

    /// Goes on to the next state; false where more text is needed.
    fn step(&mut self, parts: &mut Vec<CallPart>) -> bool {
        let next = match (self.state.clone(), self.format) {
            (State::Start, CallFormat::Bare) => self.start(),
            (State::Start, CallFormat::Tagged) => Some(State::Content),
            (State::Content, CallFormat::Bare) => {
                self.say_but(0, parts);
                None
            }
            (State::Content, CallFormat::Tagged) => self.content(parts),
            (State::Opened, _) => self.opened(parts),
            (State::Arguments(scan), _) => self.arguments(scan, parts),
            (State::Tail(scan), _) => self.tail(scan, parts),
            (State::Parameters(tool, any), _) => self.parameters(tool, any, parts),
            (State::Close, _) => self.close(),
            (State::Between, _) => self.between(),
        };
        let goes_on = next.is_some();
        self.state = next.unwrap_or_else(|| take(&mut self.state));
        goes_on
    }

    /// The beginning of an answer that may be a call without a tag.
    fn start(&mut self) -> Option<State> {
        let rest = self.held.trim_start();
        if let Some(behind) = rest.strip_prefix(PYTHON) {
            self.held = behind.to_owned();
            return Some(State::Start);
        }
        match rest {
            "" => None,
            _ if rest.starts_with('{') => Some(State::Opened),
            _ if PYTHON.starts_with(rest) => None,
            _ => Some(State::Content),
        }
    }

    fn content(&mut self, parts: &mut Vec<CallPart>) -> Option<State> {
        match self.held.find(OPEN) {
            Some(at) => {
                let behind = self.held.split_off(at + OPEN.len());
                let mut text = std::mem::replace(&mut self.held, behind);
                text.truncate(at);
                self.say(text, parts);
                Some(State::Opened)
            }
            None => {
                self.say_but(longest_beginning(&self.held, OPEN), parts);
                None
            }
        }
    }

    fn opened(&mut self, parts: &mut Vec<CallPart>) -> Option<State> {
        let text = self.held.trim_start();
        let blank = self.held.len() - text.len();
        if FUNCTION.starts_with(text) && text.len() < FUNCTION.len() {
            return None;
        }
        let found = if text.starts_with(FUNCTION) { marked(text) } else { head(text) };
        let tool = |name: &str| self.tools.iter().position(|tool| tool.name == name);
        let (name, end, next, arguments) = match found {
            Head::More if text.len() <= LONGEST_HEAD => return None,
            Head::Marked { name, end } => match tool(&name) {
                Some(at) => (name, end, State::Parameters(at, false), Some("{".to_owned())),
                None => return self.no_call(parts),
            },
            Head::Object { name, end } if tool(&name).is_some() => (name, end, State::Arguments(Scan::default()), None),
            Head::Whole { name, arguments, end } if tool(&name).is_some() => {
                (name, end, State::Tail(Scan::within_object()), Some(arguments))
            }
            _ => return self.no_call(parts),
        };
        self.held.drain(..blank + end);
        parts.push(CallPart::Name(name));
        parts.extend(arguments.map(CallPart::Arguments));
        Some(next)
    }

    /// What seemed to begin a call is content.
    fn no_call(&mut self, parts: &mut Vec<CallPart>) -> Option<State> {
        self.say(self.tag().to_owned(), parts);
        Some(State::Content)
    }

    /// What is held behind a call that went wrong is content.
    fn broken(&mut self, parts: &mut Vec<CallPart>) -> Option<State> {
        parts.push(CallPart::End);
        Some(State::Content)
    }

    fn arguments(&mut self, mut scan: Scan, parts: &mut Vec<CallPart>) -> Option<State> {
        let (length, step) = scan.run(&self.held);
        let rest = self.held.split_off(length);
        let text = std::mem::replace(&mut self.held, rest);
        if !text.is_empty() {
            parts.push(CallPart::Arguments(text));
        }
        match step {
            Step::Inside => {
                self.state = State::Arguments(scan);
                None
            }
            Step::Done => Some(State::Tail(Scan::within_object())),
            Step::Wrong => self.broken(parts),
        }
    }

    fn tail(&mut self, mut scan: Scan, parts: &mut Vec<CallPart>) -> Option<State> {
        let (length, step) = scan.run(&self.held);
        self.held.drain(..length);
        match step {
            Step::Inside => {
                self.state = State::Tail(scan);
                None
            }
            Step::Done => Some(self.ended(parts)),
            Step::Wrong => self.broken(parts),
        }
    }

    fn ended(&mut self, parts: &mut Vec<CallPart>) -> State {
        parts.push(CallPart::End);
        self.trims = true;
        if self.format == CallFormat::Tagged { State::Close } else { State::Between }
    }

    fn parameters(&mut self, tool: usize, any: bool, parts: &mut Vec<CallPart>) -> Option<State> {
        let rest = self.held.trim_start();
        if let Some(behind) = rest.strip_prefix(FUNCTION_END) {
            self.held = behind.to_owned();
            parts.push(CallPart::Arguments("}".to_owned()));
            return Some(self.ended(parts));
        }
        let Some(behind) = rest.strip_prefix(PARAMETER) else {
            let may_come = PARAMETER.starts_with(rest) || FUNCTION_END.starts_with(rest);
            return if may_come { None } else { self.broken(parts) };
        };
        let (inner, after) = behind.split_once(PARAMETER_END)?;
        let Some((key, value)) = inner.split_once('>') else { return self.broken(parts) };
        let value = value.strip_prefix('\n').unwrap_or(value);
        let value = value.strip_suffix('\n').unwrap_or(value);
        let is_text = self.tools[tool].parameters.get(key).copied().unwrap_or(true);
        let is_json = !is_text && serde_json::from_str::<serde::de::IgnoredAny>(value).is_ok();
        let quoted = |text: &str| serde_json::Value::from(text).to_string();
        let value = if is_json { value.trim().to_owned() } else { quoted(value) };
        let comma = if any { ", " } else { "" };
        parts.push(CallPart::Arguments(format!("{comma}{}: {value}", quoted(key))));
        self.held = after.to_owned();
        Some(State::Parameters(tool, true))
    }

    fn close(&mut self) -> Option<State> {
        let rest = self.held.trim_start();
        match rest.strip_prefix(CLOSE) {
            Some(behind) => {
                self.held = behind.to_owned();
                Some(State::Content)
            }
            None if CLOSE.starts_with(rest) => None,
            // Without its tag the call has ended all the same.
            None => Some(State::Content),
        }
    }

    fn between(&mut self) -> Option<State> {
        let rest = self.held.trim_start_matches(|c: char| c.is_whitespace() || c == ';');
        match rest {
            "" => None,
            _ if rest.starts_with('{') => {
                self.held = rest.to_owned();
                Some(State::Opened)
            }
            _ => Some(State::Content),
        }
    }
}

/// `<function=NAME>`.
fn marked(text: &str) -> Head {
    match text[FUNCTION.len()..].split_once('>') {
        Some((name, _)) => Head::Marked { name: name.to_owned(), end: FUNCTION.len() + name.len() + 1 },
        None => Head::More,
    }
}

/// The parts with neighbours of one kind in one.
fn joined(parts: Vec<CallPart>) -> Vec<CallPart> {
    let mut joined: Vec<CallPart> = Vec::new();
    for part in parts {
        match (joined.last_mut(), part) {
            (Some(CallPart::Content(before)), CallPart::Content(text))
            | (Some(CallPart::Arguments(before)), CallPart::Arguments(text)) => before.push_str(&text),
            (_, part) => joined.push(part),
        }
    }
    joined
}

#[cfg(test)]
mod tests;
