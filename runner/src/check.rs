//! `trine check`: everything that a run does with a file up to its first logits, and what is wrong with it.

use crate::args::CheckArguments;
use crate::document;
use crate::heat::{Pass, svg};
use crate::inspect::{describe, judged, tensor_table};
use crate::load::{self, Program};
use crate::message;
use crate::outcome::{Outcome, check_output};
use crate::terminal;
use crate::trace::{self, Trace};
use anyhow::{Context, Result, bail};
use serde_json::json;
use std::io::{BufWriter, Write};
use std::sync::Arc;
use trine::loader::{one_line, write_output};
use trine::model::{EncodeOptions, Source, Transformer, Warning, elsewhere, trial};
use trine::ops::Cpu;
use trine::shapes::Model;

/// Describes a model that computes numbers.
struct Describe<'d> {
    file: &'d str,
    cpu: &'d Cpu,
}

impl Program for Describe<'_> {
    type Out = String;

    fn run<M: Model>(self, model: &Arc<Transformer<M>>) -> Result<String> {
        trial(model, self.cpu).with_context(|| self.file.to_owned())?;
        Ok(describe(&model.config))
    }
}

/// What is found in a file.
#[derive(Default)]
struct Found {
    /// The model, where it loads.
    model: Option<String>,
    /// What was warned of.
    warnings: Vec<String>,
    /// Why it does not load.
    problems: Vec<String>,
}

impl Found {
    /// Loads the model and reads the tokenizer and the template, where there are any.
    fn of(file: &dyn Source, arguments: &CheckArguments, cpu: &Cpu) -> Found {
        let mut found = Found::default();
        match load::with_loaded(file, &arguments.load, cpu, Describe { file: file.label(), cpu }) {
            Ok((model, warnings)) => {
                found.model = Some(model);
                found.warnings.extend(warnings.iter().map(Warning::to_string));
            }
            Err(error) => found.problems.push(message::with_causes(&error)),
        }
        match found.text(file, arguments) {
            // Both may miss the same key.
            Err(error) if found.problems.iter().all(|told| *told != message::with_causes(&error)) => {
                found.problems.push(message::with_causes(&error));
            }
            _ => {}
        }
        found
    }

    /// Reads what is about text.
    fn text(&mut self, file: &dyn Source, arguments: &CheckArguments) -> Result<()> {
        if !file.has_vocabulary() {
            self.warn(Warning::NoVocabulary { file: file.label().to_owned() }.to_string());
            return Ok(());
        }
        let tokenizer = load::tokenizer(file, &arguments.load.vocabulary)?;
        self.warnings.extend(tokenizer.warnings().iter().map(|warning| format!("{}: {warning}", file.label())));
        Ok(file.check_template(&tokenizer)?)
    }

    fn warn(&mut self, text: String) {
        message::warning(&text);
        self.warnings.push(text);
    }

    /// Warns of values that are unusual. Shows every tensor where that is asked for.
    fn judge(&mut self, file: &dyn Source, arguments: &CheckArguments, cpu: &Cpu) -> Result<()> {
        let config = file.config().ok();
        let judged = judged(file, config.as_ref(), arguments.load.i2s_packing, cpu);
        if arguments.tensors {
            let mut out = BufWriter::new(terminal::output());
            tensor_table(&mut out, &judged)?;
            out.flush()?;
        }
        for (tensor, (_, judgement)) in file.tensors().iter().zip(&judged) {
            for text in &judgement.remarks {
                self.warn(format!("{}: tensor `{}`: {text}", tensor.file, tensor.name));
            }
        }
        Ok(())
    }

    /// Prints what was found.
    fn print(&self, file: &dyn Source, json: bool) -> Result<()> {
        if json {
            return document::print(&json!({
                "file": file.label(),
                "loads": self.problems.is_empty(),
                "model": self.model,
                "layouts": file.layouts().iter().map(ToString::to_string).collect::<Vec<_>>(),
                "elsewhere": elsewhere(file).iter().map(ToString::to_string).collect::<Vec<_>>(),
                "warnings": self.warnings,
                "problems": self.problems,
            }));
        }
        self.problems.iter().for_each(|problem| message::line(&format!("error: {problem}")));
        if let (Some(model), []) = (&self.model, &self.problems[..]) {
            writeln!(terminal::output(), "{} loads: {}", one_line(file.label()), one_line(model))?;
            for layout in file.layouts() {
                writeln!(terminal::output(), "{}: {layout}", one_line(file.label()))?;
            }
            for remark in elsewhere(file) {
                writeln!(terminal::output(), "{}: {remark}", one_line(file.label()))?;
            }
        }
        Ok(())
    }
}

/// A forward pass over the prompt.
fn pass(file: &dyn Source, arguments: &CheckArguments, cpu: &Cpu) -> Result<(Pass, usize)> {
    let tokenizer = load::tokenizer(file, &arguments.load.vocabulary)?;
    let ids = tokenizer.encode(&arguments.prompt, EncodeOptions::PROMPT)?;
    if ids.is_empty() {
        bail!("--prompt: the prompt has no tokens");
    }
    let values = load::with_model(file, &arguments.load, cpu, Trace { cpu, ids: &ids })?;
    Ok((Pass { file: file.label().to_owned(), values }, ids.len()))
}

/// Shows a forward pass over the prompt, and draws it where that is asked for, beside that of another file.
fn show_pass(file: &dyn Source, arguments: &CheckArguments, cpu: &Cpu) -> Result<()> {
    let (of_file, tokens) = pass(file, arguments, cpu)?;
    trace::print(&of_file.values, tokens)?;
    let Some(picture) = &arguments.svg else { return Ok(()) };
    let mut passes = Vec::new();
    if let Some(beside) = &arguments.beside {
        let other = load::open(Some(beside), &arguments.load.access)?;
        passes.push(pass(&*other, arguments, cpu)?.0);
    }
    passes.push(of_file);
    let written = write_output(picture, |out| out.write_all(svg(&passes).as_bytes()));
    written.with_context(|| format!("{}: cannot write it", picture.display()))
}

/// Runs the command: one line for each problem, or one that says what loads; or a document of both.
///
/// # Errors
/// The file is no sound GGUF file, or the output cannot be written.
pub fn check(arguments: &CheckArguments) -> Result<Outcome> {
    arguments.svg.as_deref().map(check_output).transpose()?;
    let file = load::open(arguments.file.as_deref(), &arguments.load.access)?;
    let cpu = load::cpu(&arguments.cpu)?;
    let mut found = Found::of(&*file, arguments, &cpu);
    if found.problems.is_empty() {
        found.judge(&*file, arguments, &cpu)?;
    }
    let refused = arguments.strict && !found.warnings.is_empty();
    if refused && found.problems.is_empty() && !arguments.json {
        let warnings = found.warnings.len();
        bail!("{}: it loads, but there are {warnings} warnings, which --strict refuses", file.label());
    }
    found.print(&*file, arguments.json)?;
    if refused || !found.problems.is_empty() {
        return Ok(Outcome::Refused);
    }
    if arguments.trace {
        show_pass(&*file, arguments, &cpu)?;
    }
    Ok(Outcome::Done)
}
