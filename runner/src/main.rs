//! The `trine` command: arguments, progress, printing and exit codes. One file for each command; what they compute is
//! in the library, and anything that a user of the library would want belongs there.
//!
//! Results go to standard output, everything else to standard error. Exit codes: 0 for success, 1 where a file or an
//! input is wrong, 2 where the arguments are, 130 after Ctrl-C (128 and the number of the signal after others).
#![forbid(unsafe_code)]

mod args;
#[cfg(feature = "serve")]
mod batch;
mod bench;
mod chat;
mod check;
mod convert;
mod describe;
mod diff;
mod display;
mod document;
mod draft;
mod embed;
mod generation;
mod heat;
mod input;
mod inspect;
mod interrupt;
mod likeliest;
mod load;
mod logits;
mod logprobs;
mod message;
mod outcome;
mod perplexity;
mod progress;
mod run;
#[cfg(feature = "serve")]
mod serve;
mod standard_output;
mod synth;
mod table;
mod terminal;
mod tokenize;
mod trace;
mod wrap;

use anyhow::Result;
use args::{Arguments, Command};
use outcome::Outcome;
use std::process::ExitCode;

fn main() -> ExitCode {
    if let Err(error) = standard_output::check() {
        message::error(&error);
        return outcome::exit_code_of(&error);
    }
    let arguments = match Arguments::of(std::env::args_os()) {
        Ok(arguments) => arguments,
        // What was asked for: help or the version.
        Err(error) if !error.use_stderr() => error.exit(),
        Err(error) => {
            message::wrong_arguments(&error);
            return ExitCode::from(2);
        }
    };
    if arguments.raw_terminal {
        terminal::allow_raw();
    }
    if arguments.quiet {
        message::be_quiet();
    }
    match execute(arguments.command) {
        Ok(outcome) => outcome.exit_code(),
        Err(error) if outcome::is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            message::error(&error);
            outcome::exit_code_of(&error)
        }
    }
}

fn execute(command: Command) -> Result<Outcome> {
    interrupt::install()?;
    match command {
        Command::Run(arguments) => run::run(&arguments),
        Command::Chat(arguments) => chat::chat(&arguments),
        Command::Inspect(arguments) => inspect::inspect(&arguments),
        Command::Check(arguments) => check::check(&arguments),
        Command::Convert(arguments) => convert::convert(&arguments),
        Command::Diff(arguments) => diff::diff(&arguments),
        Command::Synth(arguments) => synth::synth(&arguments),
        Command::Logits(arguments) => logits::logits(&arguments),
        Command::Embed(arguments) => embed::embed(&arguments),
        Command::Tokenize(arguments) => tokenize::tokenize(&arguments),
        Command::Perplexity(arguments) => perplexity::perplexity(&arguments),
        Command::Bench(arguments) => bench::bench(&arguments),
        #[cfg(feature = "serve")]
        Command::Serve(arguments) => serve::serve(&arguments),
        #[cfg(feature = "serve")]
        Command::Batch(arguments) => batch::batch(&arguments),
        Command::Completions(arguments) => describe::completions(&arguments),
        Command::Man(arguments) => describe::man(&arguments),
    }
}
