//! One-line messages on standard error. Nothing here fails: a closed standard error is no reason to stop.

use std::io::Write;
use trine::loader::one_line;

/// An error of an argument: exit code 2, where a wrong file or input is 1.
#[derive(Debug)]
pub struct Usage(pub String);

impl std::fmt::Display for Usage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Usage {}

/// Prints a line.
pub fn note(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}

/// Prints a remark.
pub fn warning(text: &str) {
    note(&format!("warning: {}", one_line(text)));
}

/// Prints an error with its causes.
pub fn error(error: &anyhow::Error) {
    note(&format!("error: {}", with_causes(error)));
}

/// Says why a message is no part of a conversation.
pub fn left_out(error: &anyhow::Error) {
    note(&format!("note: {}; the message was left out, and `/reset` begins a new conversation", with_causes(error)));
}

/// The message of an error and those of its causes, without the ones that a message before them has told already.
fn with_causes(error: &anyhow::Error) -> String {
    let mut line = String::new();
    for cause in error.chain() {
        let text = one_line(&cause.to_string());
        if line.is_empty() {
            line = text;
        } else if !line.contains(&text) {
            line = format!("{line}: {text}");
        }
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;
    use anyhow::{Context, anyhow};

    #[test]
    fn causes_are_told_once() {
        let repeated = anyhow!("no such file").context("m.gguf: cannot open it: no such file");
        assert_eq!(with_causes(&repeated), "m.gguf: cannot open it: no such file");
        let told: anyhow::Result<()> = Err(anyhow!("disk full")).context("cannot write out.bin");
        assert_eq!(with_causes(&told.unwrap_err()), "cannot write out.bin: disk full");
    }

    #[test]
    fn a_message_is_one_line() {
        assert_eq!(with_causes(&anyhow!("tensor \"a\nb\"").context("a\u{202e}")), "a\\u{202e}: tensor \"a\\nb\"");
    }
}
