//! Where the lines of a conversation come from: an editor on a terminal, plain lines elsewhere. What they say belongs
//! to `command.rs`.

use super::command::{COMMANDS, goes_on};
use super::settings::SETTINGS;
use crate::message::note;
use crate::{input, terminal};
use anyhow::{Context as _, Result, bail};
use rustyline::completion::{Completer, FilenameCompleter, Pair};
use rustyline::error::ReadlineError;
use rustyline::highlight::Highlighter;
use rustyline::hint::Hinter;
use rustyline::history::DefaultHistory;
use rustyline::validate::{ValidationContext, ValidationResult, Validator};
use rustyline::{Config, Context, Editor, Helper};
use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};

const PROMPT: &str = "> ";

/// What was read.
pub enum Read {
    Text(String),
    /// The input has ended.
    End,
    /// Ctrl-C, twice.
    Interrupted,
}

/// Where lines come from.
pub enum Lines {
    /// A pipe or a file.
    Piped,
    /// A terminal, while the answers go elsewhere.
    Asked,
    /// A terminal for both.
    Edited(Box<Edited>),
}

/// An editor, and the file of what was written before.
pub struct Edited {
    editor: Editor<Completion, DefaultHistory>,
    history: Option<PathBuf>,
}

impl Lines {
    /// Lines of standard input. An editor knows those of the file `history`, and adds what is written.
    ///
    /// # Errors
    /// The terminal is none that lines can be edited on, or the file is there and cannot be read.
    pub fn new(history: Option<&Path>) -> Result<Lines> {
        if !io::stdin().is_terminal() {
            return Ok(Lines::Piped);
        }
        if !io::stdout().is_terminal() {
            return Ok(Lines::Asked);
        }
        let config = Config::builder().auto_add_history(true).build();
        let mut editor = Editor::with_config(config)?;
        editor.set_helper(Some(Completion(FilenameCompleter::new())));
        if let Some(path) = history.filter(|path| path.exists()) {
            editor.load_history(path).with_context(|| format!("{}: cannot read it", path.display()))?;
        }
        terminal::restore_at_the_end();
        Ok(Lines::Edited(Box::new(Edited { editor, history: history.map(Path::to_owned) })))
    }

    /// Whether a person sees what is said of a line before writing the next.
    pub fn is_interactive(&self) -> bool {
        !matches!(self, Lines::Piped)
    }

    /// Whether a text can be opened for editing.
    pub fn can_edit(&self) -> bool {
        matches!(self, Lines::Edited(_))
    }

    /// The next line, or the lines of a message between its marks. An editor begins with `initial`.
    ///
    /// # Errors
    /// Standard input cannot be read, is not UTF-8, or ends within such a message.
    pub fn read(&mut self, initial: &str) -> Result<Read> {
        match self {
            Lines::Piped => plain(""),
            Lines::Asked => plain(PROMPT),
            Lines::Edited(edited) => edited.read(initial),
        }
    }
}

fn plain(prompt: &str) -> Result<Read> {
    let line = || {
        let mut out = io::stderr();
        let _ = write!(out, "{prompt}").and_then(|()| out.flush());
        input::read_line()
    };
    let Some(mut text) = line()? else { return Ok(Read::End) };
    while goes_on(&text) {
        let Some(more) = line()? else {
            bail!("standard input: expected \"\"\" at the end of the message that begins with it, found the end");
        };
        text = [&text, "\n", &more].concat();
    }
    Ok(Read::Text(text))
}

impl Edited {
    fn read(&mut self, initial: &str) -> Result<Read> {
        let mut interrupted = false;
        loop {
            match self.editor.readline_with_initial(PROMPT, (initial, "")) {
                Ok(text) => {
                    self.remember()?;
                    return Ok(Read::Text(text));
                }
                Err(ReadlineError::Eof) => return Ok(Read::End),
                Err(ReadlineError::Interrupted) if interrupted => return Ok(Read::Interrupted),
                Err(ReadlineError::Interrupted) => {
                    interrupted = true;
                    note("Ctrl-C once more, Ctrl-D or `/exit` ends the conversation");
                }
                Err(error) => return Err(error).context("cannot read the terminal"),
            }
        }
    }

    /// Adds the line to the file.
    fn remember(&mut self) -> Result<()> {
        let Some(path) = &self.history else { return Ok(()) };
        self.editor.append_history(path).with_context(|| format!("{}: cannot write it", path.display()))
    }
}

/// What the editor knows of commands.
pub struct Completion(FilenameCompleter);

/// The beginnings of commands, settings and files that go on as the line does.
impl Completer for Completion {
    type Candidate = Pair;

    fn complete(&self, line: &str, pos: usize, context: &Context<'_>) -> rustyline::Result<(usize, Vec<Pair>)> {
        let before = &line[..pos];
        Ok(match before.split_once(' ') {
            None => (0, beginning(before, COMMANDS.iter().map(|command| command.name))),
            Some(("/set", name)) => (pos - name.len(), beginning(name, SETTINGS.iter().map(|setting| setting.name))),
            Some(("/save" | "/load", _)) => self.0.complete(line, pos, context)?,
            Some(_) => (pos, Vec::new()),
        })
    }
}

fn beginning(text: &str, names: impl Iterator<Item = &'static str>) -> Vec<Pair> {
    let fitting = names.filter(|name| !text.is_empty() && name.starts_with(text));
    fitting.map(|name| Pair { display: name.to_owned(), replacement: format!("{name} ") }).collect()
}

/// Enter ends a line within a message of several lines, and behind it the message.
impl Validator for Completion {
    fn validate(&self, context: &mut ValidationContext<'_>) -> rustyline::Result<ValidationResult> {
        Ok(if goes_on(context.input()) { ValidationResult::Incomplete } else { ValidationResult::Valid(None) })
    }
}

impl Hinter for Completion {
    type Hint = String;
}

impl Highlighter for Completion {}

impl Helper for Completion {}
