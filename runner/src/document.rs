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

/// What a token stands for; a part of a character is shown as U+FFFD. `None` where the tokenizer has no such token: a
/// model may have more, which pad its vocabulary.
pub fn piece(tokenizer: &Tokenizer, id: u32) -> Option<String> {
    let mut bytes = Vec::new();
    tokenizer.decode_into(id, true, &mut bytes).ok()?;
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

/// A token in a document; its text is `null` where there is none.
pub fn token(tokenizer: Option<&Tokenizer>, id: u32) -> Value {
    json!({ "id": id, "text": tokenizer.and_then(|tokenizer| piece(tokenizer, id)) })
}
