//! `trine tokenize`: text on standard input, ids on standard output, or the other way round.

use crate::args::TokenizeArguments;
use crate::outcome::Outcome;
use crate::table::table;
use crate::terminal;
use crate::{document, input, load};
use anyhow::{Result, anyhow};
use serde_json::{Value, json};
use std::io::{BufWriter, Write};
use trine::model::{EncodeOptions, Tokenizer};

/// Runs the command.
///
/// # Errors
/// The file has no usable vocabulary, or the input is not UTF-8 or no ids.
pub fn tokenize(arguments: &TokenizeArguments) -> Result<Outcome> {
    let file = load::open(arguments.file.as_deref(), &arguments.access)?;
    let tokenizer = load::tokenizer(&*file, &arguments.vocabulary)?;
    let text = input::read_standard_input()?;
    if arguments.decode {
        let text = tokenizer.decode(&ids(&text)?, true)?;
        if arguments.json {
            document::print(&json!({ "text": text }))?;
        } else {
            terminal::print(&text)?;
        }
        return Ok(Outcome::Done);
    }
    let special = !arguments.no_special;
    let options = EncodeOptions { add_bos: special, add_eos: special, parse_special: special };
    let ids = tokenizer.encode(&text, options)?;
    if arguments.json {
        let tokens = ids.iter().map(|&id| document::token(Some(&tokenizer), id));
        document::print(&json!({ "tokens": tokens.collect::<Vec<Value>>() }))?;
    } else if arguments.pieces {
        print_pieces(&tokenizer, &ids)?;
    } else {
        let line = ids.iter().map(u32::to_string).collect::<Vec<_>>().join(" ");
        writeln!(terminal::output(), "{line}")?;
    }
    Ok(Outcome::Done)
}

/// A line for each token: its id, and its text as a string literal.
fn print_pieces(tokenizer: &Tokenizer, ids: &[u32]) -> Result<()> {
    let row = |&id: &u32| [id.to_string(), format!("{:?}", document::piece(tokenizer, id).unwrap_or_default())];
    let mut out = BufWriter::new(terminal::output());
    table(&mut out, &ids.iter().map(row).collect::<Vec<_>>())?;
    Ok(out.flush()?)
}

/// The ids of a text, between which are spaces, line breaks or commas.
fn ids(text: &str) -> Result<Vec<u32>> {
    let words = text.split(|c: char| c.is_whitespace() || c == ',').filter(|word| !word.is_empty());
    let id = |word: &str| {
        word.parse()
            .map_err(|error| anyhow!("standard input: expected token ids, such as `1 15 9`, found {word:?}: {error}"))
    };
    words.map(id).collect()
}
