//! Text from files and from standard input, unchanged.

use anyhow::{Context, Result, anyhow};
use std::io::Read;
use std::path::Path;

/// The text of a file; `-` is standard input.
///
/// # Errors
/// The file cannot be read, or is not UTF-8.
pub fn read_text(path: &Path) -> Result<String> {
    if path.as_os_str() == "-" {
        return read_standard_input();
    }
    let name = path.display().to_string();
    utf8(&name, std::fs::read(path).with_context(|| format!("{name}: cannot read it"))?)
}

/// The text on standard input.
///
/// # Errors
/// It cannot be read, or is not UTF-8.
pub fn read_standard_input() -> Result<String> {
    let mut bytes = Vec::new();
    std::io::stdin().lock().read_to_end(&mut bytes).context("cannot read standard input")?;
    utf8("standard input", bytes)
}

fn utf8(name: &str, bytes: Vec<u8>) -> Result<String> {
    String::from_utf8(bytes).map_err(|error| {
        let wrong = error.utf8_error().valid_up_to();
        anyhow!("{name}: expected UTF-8 text, found a byte at offset {wrong} that is none; convert the text to UTF-8")
    })
}
