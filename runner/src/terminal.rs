//! Standard output. A terminal obeys what is written to it: there, whatever comes from a file or a model is shown and
//! not obeyed. Elsewhere bytes are passed on as they are.

use anyhow::Result;
use std::borrow::Cow;
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

/// Whether what is written is for a person's eyes: to a terminal that is to obey nothing of it.
fn is_shown() -> bool {
    io::stdout().is_terminal() && !RAW.load(Ordering::Relaxed)
}

/// Columns of the terminal that text is shown on; nothing elsewhere, and where it does not say.
pub fn columns() -> Option<usize> {
    let size = || console::Term::stdout().size_checked().map(|(_, columns)| usize::from(columns));
    if is_shown() { size().filter(|columns| *columns > 0) } else { None }
}

/// Whether text can be dimmed: it is shown on a terminal that has styles.
pub fn can_dim() -> bool {
    is_shown() && console::Term::stdout().features().colors_supported()
}

/// The text as it is shown where it is.
pub fn visible(text: &str) -> Cow<'_, str> {
    if is_shown() { Cow::Owned(escaped(text)) } else { Cow::Borrowed(text) }
}

/// Prints text at once, which a terminal obeys.
///
/// # Errors
/// Standard output cannot be written.
pub fn print_as_is(text: &str) -> Result<()> {
    let mut out = io::stdout().lock();
    Ok(out.write_all(text.as_bytes()).and_then(|()| out.flush()).map_err(named)?)
}

/// Has the terminal be as it is now, without styles, when a signal ends the process while a line is edited.
#[cfg(unix)]
pub fn restore_at_the_end() {
    use rustix::termios::{OptionalActions, tcgetattr, tcsetattr};
    if let Ok(mode) = tcgetattr(io::stdin()) {
        crate::interrupt::before_the_end(move || {
            // Not by the handle of the standard library: another thread may hold its lock.
            let _ = rustix::io::write(rustix::stdio::stdout(), PLAIN.as_bytes());
            let _ = tcsetattr(io::stdin(), OptionalActions::Now, &mode);
        });
    }
}

/// Windows gives each process modes of its own.
#[cfg(not(unix))]
pub fn restore_at_the_end() {}

/// No style, and text that is pasted is what it is.
#[cfg(unix)]
const PLAIN: &str = "\u{1b}[0m\u{1b}[?2004l\r\n";

/// Standard output for text.
pub struct Output {
    out: StdoutLock<'static>,
    /// What makes text of bytes, where the text is to be shown and not obeyed.
    shown: Option<TextStream>,
}

/// Standard output, for as long as this lives.
pub fn output() -> Output {
    Output { out: io::stdout().lock(), shown: is_shown().then(TextStream::new) }
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
