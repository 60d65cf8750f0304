//! What a model says, on standard output as it is generated: thoughts apart from the answer, words wrapped. What does
//! not belong here: where a thought begins (`trine-text`), where lines break (`wrap.rs`), what a terminal obeys
//! (`terminal.rs`).

use crate::args::Thoughts;
use crate::terminal;
use crate::wrap::Wrap;
use anyhow::Result;
use std::mem::take;
use trine::text::{Segment, ThoughtParser};

const DIM: &str = "\u{1b}[2m";
const PLAIN: &str = "\u{1b}[0m";
const ERASE_LINE: &str = "\r\u{1b}[K";

/// What stands for a thought that is not shown, until the answer begins.
const THINKING: &str = "thinking ...";

/// How text is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Manner {
    /// What becomes of thoughts.
    pub thoughts: Thoughts,
    /// Whether a terminal gets lines that break between words.
    pub wrap: bool,
}

/// What was said.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Spoken {
    /// The thoughts, without white space around them; nothing where there was none.
    pub thought: String,
    /// The answer. Behind a thought it begins with its first word.
    pub answer: String,
}

impl Spoken {
    /// What a whole text says.
    pub fn of(text: &str, mut parser: ThoughtParser) -> Spoken {
        let mut spoken = Spoken::default();
        parser.push(text).into_iter().chain(parser.finish()).for_each(|segment| spoken.push(&segment));
        spoken.trimmed()
    }

    fn push(&mut self, segment: &Segment) {
        match segment {
            Segment::Thought(text) => {
                // What came before the thought was white space.
                self.answer.clear();
                self.thought += text;
            }
            Segment::Answer(text) => self.answer += text,
        }
    }

    fn trimmed(self) -> Spoken {
        let Spoken { thought, answer } = self;
        let answer = if thought.is_empty() { answer } else { answer.trim_start().to_owned() };
        Spoken { thought: thought.trim().to_owned(), answer }
    }
}

/// A text in the making.
///
/// A terminal that can dims thoughts and leaves out their tags; elsewhere the tags are there, also the one that the
/// prompt has begun the thought with.
pub struct Display {
    parser: ThoughtParser,
    spoken: Spoken,
    is_hidden: bool,
    dims: bool,
    wrap: Option<Wrap>,
    /// Whether a thought is being shown.
    in_thought: bool,
    /// Whether the terminal shows dim text.
    is_dim: bool,
    /// White space of a dim thought behind its last word.
    blanks: String,
    /// Whether white space is left out until the answer begins.
    before_answer: bool,
    ends_line: bool,
}

impl Display {
    /// A text that `parser` tells the thoughts of.
    pub fn new(manner: Manner, parser: ThoughtParser) -> Display {
        let columns = terminal::columns().filter(|_| manner.wrap);
        Display {
            parser,
            spoken: Spoken::default(),
            is_hidden: manner.thoughts == Thoughts::Hide,
            dims: terminal::can_dim(),
            wrap: columns.map(Wrap::new),
            in_thought: false,
            is_dim: false,
            blanks: String::new(),
            before_answer: false,
            ends_line: false,
        }
    }

    /// Takes the next piece of the text.
    ///
    /// # Errors
    /// Standard output cannot be written.
    pub fn push(&mut self, piece: &str) -> Result<()> {
        for segment in self.parser.push(piece) {
            self.show(&segment)?;
        }
        // A thought without an answer behind it ends too.
        if self.in_thought && !self.parser.is_in_thought() { self.end_thought() } else { Ok(()) }
    }

    /// Ends the text and its line.
    ///
    /// # Errors
    /// Standard output cannot be written.
    pub fn finish(mut self) -> Result<Spoken> {
        if let Some(segment) = self.parser.finish() {
            self.show(&segment)?;
        }
        self.flush()?;
        self.set_dim(false)?;
        if !self.ends_line {
            self.print("\n")?;
        }
        Ok(take(&mut self.spoken).trimmed())
    }

    fn show(&mut self, segment: &Segment) -> Result<()> {
        self.spoken.push(segment);
        match segment {
            Segment::Thought(text) => self.show_thought(text),
            Segment::Answer(text) => {
                if self.in_thought {
                    self.end_thought()?;
                }
                let text = if self.before_answer { text.trim_start() } else { text };
                if text.is_empty() {
                    return Ok(());
                }
                self.before_answer = false;
                self.print(text)
            }
        }
    }

    fn show_thought(&mut self, text: &str) -> Result<()> {
        let begins = !self.in_thought;
        self.in_thought = true;
        match (self.is_hidden, self.dims) {
            (true, true) if begins => {
                self.set_dim(true)?;
                self.print_as_is(THINKING)?;
                self.set_dim(false)
            }
            (true, _) => Ok(()),
            (false, true) => {
                // White space around a thought would be empty lines.
                let text = [&take(&mut self.blanks), text].concat();
                let text = if self.is_dim { &text } else { text.trim_start() };
                let words = text.trim_end();
                self.blanks = text[words.len()..].to_owned();
                if words.is_empty() {
                    return Ok(());
                }
                self.set_dim(true)?;
                self.print(words)
            }
            (false, false) => {
                if begins {
                    self.print(ThoughtParser::OPEN)?;
                }
                self.print(text)
            }
        }
    }

    /// Ends the thought that is being shown.
    fn end_thought(&mut self) -> Result<()> {
        self.in_thought = false;
        self.blanks.clear();
        match (self.is_hidden, self.dims) {
            (true, dims) => {
                self.before_answer = true;
                if dims { self.print_as_is(ERASE_LINE) } else { Ok(()) }
            }
            (false, true) => {
                self.before_answer = true;
                let was_shown = self.is_dim;
                self.flush()?;
                self.set_dim(false)?;
                if was_shown { self.print("\n\n") } else { Ok(()) }
            }
            (false, false) => self.print(ThoughtParser::CLOSE),
        }
    }

    fn print(&mut self, text: &str) -> Result<()> {
        let visible = terminal::visible(text);
        let shown = match &mut self.wrap {
            Some(wrap) => wrap.push(&visible),
            None => visible.into_owned(),
        };
        self.put(&shown)
    }

    fn flush(&mut self) -> Result<()> {
        let rest = self.wrap.as_mut().map(Wrap::flush).unwrap_or_default();
        self.put(&rest)
    }

    fn put(&mut self, shown: &str) -> Result<()> {
        if shown.is_empty() {
            return Ok(());
        }
        self.ends_line = shown.ends_with('\n');
        self.print_as_is(shown)
    }

    fn print_as_is(&self, text: &str) -> Result<()> {
        terminal::print_as_is(text)
    }

    fn set_dim(&mut self, dim: bool) -> Result<()> {
        if self.is_dim == dim {
            return Ok(());
        }
        self.flush()?;
        self.is_dim = dim;
        self.print_as_is(if dim { DIM } else { PLAIN })
    }
}

impl Drop for Display {
    /// Where an error ends the text, the terminal goes on as it was.
    fn drop(&mut self) {
        if self.is_dim {
            let _ = terminal::print_as_is(PLAIN);
        }
    }
}
