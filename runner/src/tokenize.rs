//! `trine tokenize`: text on standard input, ids on standard output.

use crate::args::TokenizeArguments;
use crate::outcome::Outcome;
use crate::terminal;
use crate::{input, load};
use anyhow::Result;
use std::io::Write;
use trine::model::EncodeOptions;

/// Runs the command: the ids of the whole input, with its line breaks, on one line.
///
/// # Errors
/// The file has no usable vocabulary, or the input is not UTF-8.
pub fn tokenize(arguments: &TokenizeArguments) -> Result<Outcome> {
    let file = load::open(arguments.file.as_deref(), &arguments.access)?;
    let tokenizer = load::tokenizer(&*file, &arguments.vocabulary)?;
    let special = !arguments.no_special;
    let options = EncodeOptions { add_bos: special, add_eos: special, parse_special: special };
    let ids = tokenizer.encode(&input::read_standard_input()?, options)?;
    let line = ids.iter().map(u32::to_string).collect::<Vec<_>>().join(" ");
    writeln!(terminal::output(), "{line}")?;
    Ok(Outcome::Done)
}
