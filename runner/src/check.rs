//! `trine check`: everything that a run does with a file before its first token, and what is wrong with it.

use crate::args::CheckArguments;
use crate::inspect::describe;
use crate::load::{self, Program};
use crate::message;
use crate::outcome::Outcome;
use anyhow::Result;
use std::io::Write;
use trine::model::{ChatError, Source, Tokenizer, Transformer};
use trine::shapes::Model;

struct Describe;

impl Program for Describe {
    type Out = String;

    fn run<M: Model>(self, model: &Transformer<M>) -> Result<String> {
        Ok(describe(&model.config))
    }
}

/// A file without a chat template is as good as one with a valid one.
fn check_template(file: &dyn Source, tokenizer: &Tokenizer) -> Result<()> {
    match file.chat_template(tokenizer) {
        Err(ChatError::Missing { .. }) | Ok(_) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// Runs the command: one line for each problem, or one that says what loads.
///
/// # Errors
/// The file is no sound GGUF file, or the output cannot be written.
pub fn check(arguments: &CheckArguments) -> Result<Outcome> {
    let file = load::open(arguments.file.as_deref(), &arguments.load.access)?;
    let model = load::with_model(&*file, &arguments.load, Describe);
    let text =
        load::tokenizer(&*file, &arguments.load.vocabulary).and_then(|tokenizer| check_template(&*file, &tokenizer));
    if let (Ok(model), Ok(())) = (&model, &text) {
        writeln!(std::io::stdout(), "{} loads: {}", message::one_line(file.label()), message::one_line(model))?;
        return Ok(Outcome::Done);
    }
    let mut errors: Vec<_> = [model.err(), text.err()].into_iter().flatten().collect();
    // Both may miss the same key.
    errors.dedup_by_key(|error| format!("{error:#}"));
    errors.iter().for_each(message::error);
    Ok(Outcome::Refused)
}
