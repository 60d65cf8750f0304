//! `trine check`: everything that a run does with a file up to its first logits, and what is wrong with it.

use crate::args::CheckArguments;
use crate::inspect::{describe, judged, tensor_table};
use crate::load::{self, Program};
use crate::message;
use crate::outcome::Outcome;
use crate::terminal;
use crate::trace::Trace;
use anyhow::{Context, Result, bail};
use std::io::{BufWriter, Write};
use std::sync::Arc;
use trine::loader::one_line;
use trine::model::{EncodeOptions, Source, Transformer, trial};
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

/// Warns of values that are unusual, and returns how many they are. Shows every tensor where that is asked for.
fn warn_of_what_is_unusual(file: &dyn Source, arguments: &CheckArguments, cpu: &Cpu) -> Result<usize> {
    let config = file.config().ok();
    let judged = judged(file, config.as_ref(), arguments.load.i2s_packing, cpu);
    if arguments.tensors {
        let mut out = BufWriter::new(terminal::output());
        tensor_table(&mut out, &judged)?;
        out.flush()?;
    }
    let mut count = 0;
    for (tensor, (_, judgement)) in file.tensors().iter().zip(&judged) {
        for text in &judgement.remarks {
            message::warning(&format!("{}: tensor `{}`: {text}", tensor.file, tensor.name));
            count += 1;
        }
    }
    Ok(count)
}

/// Shows a forward pass over the prompt.
fn trace(file: &dyn Source, arguments: &CheckArguments) -> Result<()> {
    let tokenizer = load::tokenizer(file, &arguments.load.vocabulary)?;
    let ids = tokenizer.encode(&arguments.prompt, EncodeOptions::PROMPT)?;
    if ids.is_empty() {
        bail!("--prompt: the prompt has no tokens");
    }
    let cpu = load::cpu(&arguments.cpu)?;
    load::with_model(file, &arguments.load, &cpu, Trace { cpu: &cpu, ids: &ids })
}

/// Runs the command: one line for each problem, or one that says what loads.
///
/// # Errors
/// The file is no sound GGUF file, or the output cannot be written.
pub fn check(arguments: &CheckArguments) -> Result<Outcome> {
    let file = load::open(arguments.file.as_deref(), &arguments.load.access)?;
    let cpu = load::cpu(&arguments.cpu)?;
    let model = load::with_loaded(&*file, &arguments.load, &cpu, Describe { file: file.label(), cpu: &cpu });
    let tokenizer = load::tokenizer(&*file, &arguments.load.vocabulary);
    let text = tokenizer.and_then(|tokenizer| {
        file.check_template(&tokenizer)?;
        Ok(tokenizer.warnings().len())
    });
    let errors = match (model, text) {
        (Ok((model, of_model)), Ok(of_text)) => {
            let warnings = of_model + of_text + warn_of_what_is_unusual(&*file, arguments, &cpu)?;
            if arguments.strict && warnings > 0 {
                bail!("{}: it loads, but there are {warnings} warnings, which --strict refuses", file.label());
            }
            writeln!(terminal::output(), "{} loads: {}", one_line(file.label()), one_line(&model))?;
            for layout in file.layouts() {
                writeln!(terminal::output(), "{}: {layout}", one_line(file.label()))?;
            }
            if arguments.trace {
                trace(&*file, arguments)?;
            }
            return Ok(Outcome::Done);
        }
        (model, text) => [model.err(), text.err()],
    };
    let mut errors: Vec<_> = errors.into_iter().flatten().collect();
    // Both may miss the same key.
    errors.dedup_by_key(|error| format!("{error:#}"));
    errors.iter().for_each(message::error);
    Ok(Outcome::Refused)
}
