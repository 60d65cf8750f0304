//! `trine completions` and `trine man`: the command line as shells and readers of manuals know it, made of the
//! definition that parses it.

use crate::args::{Arguments, CompletionsArguments, ManArguments};
use crate::outcome::Outcome;
use crate::terminal;
use anyhow::{Context, Result};
use std::io::Write;

/// Prints the script of a shell.
///
/// # Errors
/// Standard output cannot be written.
pub fn completions(arguments: &CompletionsArguments) -> Result<Outcome> {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut Arguments::definition(), "trine", &mut script);
    terminal::output().write_all(&script)?;
    Ok(Outcome::Done)
}

/// Prints the page of the command, or writes those of all commands.
///
/// # Errors
/// The output cannot be written.
pub fn man(arguments: &ManArguments) -> Result<Outcome> {
    let definition = Arguments::definition();
    match &arguments.out {
        Some(folder) => clap_mangen::generate_to(definition, folder)
            .with_context(|| format!("{}: cannot write the pages", folder.display()))?,
        None => {
            let mut page = Vec::new();
            clap_mangen::Man::new(definition).render(&mut page)?;
            terminal::output().write_all(&page)?;
        }
    }
    Ok(Outcome::Done)
}
