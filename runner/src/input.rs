//! Text from files and from standard input, unchanged and of bounded length.

use anyhow::{Context, Result, anyhow};
use std::io::{BufRead, Read};
use std::path::Path;
use trine::loader::read_file;

/// Longest text that is read, in bytes: what comes from a pipe or a device may never end.
const TEXT_BYTES: u64 = 1 << 28;

/// Longest line of a conversation, in bytes.
const LINE_BYTES: u64 = 1 << 24;

const STANDARD_INPUT: &str = "standard input";
const NOT_READ: &str = "cannot read standard input";

/// The text of a file; `-` is standard input.
///
/// # Errors
/// The file cannot be read, or is not UTF-8.
pub fn read_text(path: &Path) -> Result<String> {
    if path.as_os_str() == "-" {
        return read_standard_input();
    }
    let name = path.display().to_string();
    let bytes = read_file(path, TEXT_BYTES).with_context(|| name.clone())?;
    utf8(&name, bytes)
}

/// The text on standard input.
///
/// # Errors
/// It cannot be read, or is not UTF-8.
pub fn read_standard_input() -> Result<String> {
    let mut bytes = Vec::new();
    let read = std::io::stdin().lock().take(TEXT_BYTES + 1).read_to_end(&mut bytes).context(NOT_READ)?;
    check_length(read, TEXT_BYTES)?;
    utf8(STANDARD_INPUT, bytes)
}

/// The next line of standard input without its line break, or nothing at the end of the input.
///
/// # Errors
/// It cannot be read, is too long, or is not UTF-8.
pub fn read_line() -> Result<Option<String>> {
    let mut bytes = Vec::new();
    let read = std::io::stdin().lock().take(LINE_BYTES + 1).read_until(b'\n', &mut bytes).context(NOT_READ)?;
    check_length(read, LINE_BYTES)?;
    let line = utf8(STANDARD_INPUT, bytes)?;
    Ok((read > 0).then(|| line.trim_end_matches(['\n', '\r']).to_owned()))
}

fn check_length(read: usize, limit: u64) -> Result<()> {
    match read as u64 > limit {
        true => Err(anyhow!("{STANDARD_INPUT}: expected at most {limit} bytes of text, found more")),
        false => Ok(()),
    }
}

fn utf8(name: &str, bytes: Vec<u8>) -> Result<String> {
    String::from_utf8(bytes).map_err(|error| {
        let wrong = error.utf8_error().valid_up_to();
        anyhow!("{name}: expected UTF-8 text, found a byte at offset {wrong} that is none; convert the text to UTF-8")
    })
}
