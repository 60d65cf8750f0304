//! One-line messages on standard error. Nothing here fails: a closed standard error is no reason to stop.

use std::io::Write;
use std::sync::atomic::{AtomicBool, Ordering};
use trine::loader::one_line;

/// Whether errors alone are said. Standard error belongs to the process, and so does this.
static QUIET: AtomicBool = AtomicBool::new(false);

/// Has errors alone be said.
pub fn be_quiet() {
    QUIET.store(true, Ordering::Relaxed);
}

/// Whether errors alone are said.
pub fn is_quiet() -> bool {
    QUIET.load(Ordering::Relaxed)
}

/// An error of an argument: exit code 2, where a wrong file or input is 1.
#[derive(Debug)]
pub struct Usage(pub String);

impl std::fmt::Display for Usage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Usage {}

/// Prints what was asked for.
pub fn line(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}

/// Prints what is good to know.
pub fn note(text: &str) {
    if !is_quiet() {
        line(text);
    }
}

/// Prints a remark.
pub fn warning(text: &str) {
    note(&format!("warning: {}", one_line(text)));
}

/// Prints an error with its causes.
pub fn error(error: &anyhow::Error) {
    line(&format!("error: {}", with_causes(error)));
}

/// Prints what clap says of arguments that mean nothing, on one line as all errors are: `--help` has the usage.
pub fn wrong_arguments(error: &clap::Error) {
    line(&on_one_line(&error.render().to_string()));
}

/// The message without the usage, its tips behind semicolons.
fn on_one_line(message: &str) -> String {
    let ends = |line: &&str| !line.starts_with("Usage:") && !line.starts_with("For more information");
    let lines = message.lines().map(str::trim).take_while(ends).filter(|line| !line.is_empty());
    let told = lines.fold(String::new(), |told, line| match line {
        _ if told.is_empty() => line.to_owned(),
        _ if line.starts_with("tip:") => format!("{told}; {line}"),
        _ => format!("{told} {line}"),
    });
    format!("{told}; `--help` lists what there is")
}

/// Says why a message is no part of a conversation.
pub fn left_out(error: &anyhow::Error) {
    line(&format!("note: {}; the message was left out, and `/reset` begins a new conversation", with_causes(error)));
}

/// The message of an error and those of its causes, without the ones that a message before them has told already.
pub fn with_causes(error: &anyhow::Error) -> String {
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
    fn what_clap_says_is_one_line() {
        let message = "error: unexpected argument '--tokns' found\n\n  tip: a similar argument exists: '--tokens'\n\n\
                       Usage: trine run [MODEL]\n\nFor more information, try '--help'.\n";
        let expected = "error: unexpected argument '--tokns' found; tip: a similar argument exists: '--tokens'; \
                        `--help` lists what there is";
        assert_eq!(on_one_line(message), expected);
    }

    #[test]
    fn a_message_is_one_line() {
        assert_eq!(with_causes(&anyhow!("tensor \"a\nb\"").context("a\u{202e}")), "a\\u{202e}: tensor \"a\\nb\"");
    }
}
