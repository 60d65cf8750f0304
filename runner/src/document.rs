//! Results as one JSON document on standard output, for programs; docs/cli.md describes the fields. What does not
//! belong here: what is in a document, which is in the file of its command.

use crate::terminal;
use anyhow::Result;
use serde_json::{Value, json};
use std::io::{self, BufWriter, Write};
use trine::model::Tokenizer;

/// Prints a document.
///
/// # Errors
/// Standard output cannot be written.
pub fn print(document: &Value) -> Result<()> {
    let mut out = BufWriter::new(terminal::output());
    serde_json::to_writer_pretty(&mut out, document).map_err(io::Error::from)?;
    writeln!(out)?;
    Ok(out.flush()?)
}

/// What a token stands for; a part of a character is shown as U+FFFD.
///
/// # Errors
/// The token is not the tokenizer's.
pub fn piece(tokenizer: &Tokenizer, id: u32) -> Result<String> {
    let mut bytes = Vec::new();
    tokenizer.decode_into(id, true, &mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// A token in a document.
///
/// # Errors
/// As [`piece`].
pub fn token(tokenizer: Option<&Tokenizer>, id: u32) -> Result<Value> {
    let text = tokenizer.map(|tokenizer| piece(tokenizer, id)).transpose()?;
    Ok(json!({ "id": id, "text": text }))
}
