//! Standard output. A terminal obeys what is written to it: there, whatever comes from a file or a model is shown and
//! not obeyed. Elsewhere bytes are passed on as they are.

use anyhow::Result;
use std::io::{self, IsTerminal, StdoutLock, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use trine::loader::steers;
use trine::model::TextStream;

/// Whether a terminal gets the bytes as they are. Standard output belongs to the process, and so does this.
static RAW: AtomicBool = AtomicBool::new(false);

/// Has a terminal obey what is written to it.
pub fn allow_raw() {
    RAW.store(true, Ordering::Relaxed);
}

/// Standard output for text.
pub struct Output {
    out: StdoutLock<'static>,
    /// What makes text of bytes, where the text is to be shown and not obeyed.
    shown: Option<TextStream>,
}

/// Standard output, for as long as this lives.
pub fn output() -> Output {
    let shown = io::stdout().is_terminal() && !RAW.load(Ordering::Relaxed);
    Output { out: io::stdout().lock(), shown: shown.then(TextStream::new) }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.shown {
            None => self.out.write(bytes).map_err(named),
            Some(stream) => {
                self.out.write_all(escaped(&stream.push(bytes)).as_bytes()).map_err(named)?;
                Ok(bytes.len())
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush().map_err(named)
    }
}

/// An error that says of what it is.
fn named(error: io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("cannot write to standard output: {error}"))
}

/// The text with all that steers a terminal, except ends of lines and tabs, as JSON writes it in a string.
fn escaped(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\n' | '\t' => shown.push(character),
            _ if steers(character) => shown.push_str(&format!("\\u{:04x}", u32::from(character))),
            _ => shown.push(character),
        }
    }
    shown
}

/// Prints text at once.
///
/// # Errors
/// Standard output cannot be written.
pub fn print(text: &str) -> Result<()> {
    let mut out = output();
    Ok(out.write_all(text.as_bytes()).and_then(|()| out.flush())?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_steers_a_terminal_is_shown() {
        assert_eq!(
            escaped("a\tb\né \u{1b}[2J\r\u{9b}x\u{202e}\u{200f}"),
            "a\tb\né \\u001b[2J\\u000d\\u009bx\\u202e\\u200f"
        );
    }
}
