//! `trine check`: everything that a run does with a file before its first token, and what is wrong with it.

use crate::args::CheckArguments;
use crate::inspect::describe;
use crate::load::{self, Program};
use crate::message;
use crate::outcome::Outcome;
use anyhow::Result;
use std::io::Write;
use trine::model::Transformer;
use trine::shapes::Model;

struct Describe;

impl Program for Describe {
    type Out = String;

    fn run<M: Model>(self, model: &Transformer<M>) -> Result<String> {
        Ok(describe(&model.config))
    }
}

/// Runs the command: one line for each problem, or one that says what loads.
///
/// # Errors
/// The file is no sound GGUF file, or the output cannot be written.
pub fn check(arguments: &CheckArguments) -> Result<Outcome> {
    let file = load::open(arguments.file.as_deref())?;
    let tokenizer = load::tokenizer(&file, &arguments.load.vocabulary);
    let model = load::with_model(&file, &arguments.load, Describe);
    if let (Ok(model), Ok(_)) = (&model, &tokenizer) {
        writeln!(std::io::stdout(), "{} loads: {}", message::one_line(file.label()), message::one_line(model))?;
        return Ok(Outcome::Done);
    }
    [model.err(), tokenizer.err()].iter().flatten().for_each(message::error);
    Ok(Outcome::Refused)
}
