//! `trine embed`: a row of numbers for each line of a text, in JSON or as little-endian f32.

use crate::args::EmbedArguments;
use crate::input;
use crate::interrupt::Watch;
use crate::load;
use crate::message::Usage;
use crate::outcome::Outcome;
use crate::progress::Progress;
use anyhow::{Context, Result, anyhow, bail};
use serde_json::json;
use std::io::{self, BufWriter, IsTerminal, Write};
use trine::model::{Engine, EngineOptions, Prompt};
use trine::ops::Pooling;

/// Texts that are read, computed and written together.
const TEXTS: usize = 256;

/// Runs the command.
///
/// # Errors
/// The model does not load, the file says of no row that it stands for a text and neither do the arguments, a text has
/// no tokens or more than the context, or the output cannot be written.
pub fn embed(arguments: &EmbedArguments) -> Result<Outcome> {
    if arguments.raw && io::stdout().is_terminal() {
        bail!(Usage("rows of f32 are binary and would garble the terminal: use a pipe or a file".to_owned()));
    }
    let engine = open(arguments)?;
    let pooling = pooling(arguments, &engine)?;
    let text = input::read_text(&arguments.file)?;
    let texts: Vec<&str> = match arguments.whole {
        true => vec![&text],
        false => text.lines().collect(),
    };
    let prefix = arguments.prefix.as_deref().unwrap_or_default();
    let (progress, watch) = (Progress::new("computing"), Watch::begin());
    let mut out = BufWriter::new(io::stdout().lock());
    for (batch, texts) in texts.chunks(TEXTS).enumerate() {
        let first = batch * TEXTS;
        let prompt = |(at, text): (usize, &&str)| {
            let prompt = engine
                .embedding_prompt(&format!("{prefix}{text}"))
                .with_context(|| format!("line {}", first + at + 1))?;
            match prompt.ids().is_empty() {
                true => Err(anyhow!("line {} has no tokens: expected a text", first + at + 1)),
                false => Ok(prompt),
            }
        };
        let prompts: Vec<Prompt> = texts.iter().enumerate().map(prompt).collect::<Result<_>>()?;
        let rows = engine.embed(&prompts, pooling, &mut |done| {
            progress.set(first + done, first + texts.len());
            watch.signal().is_none()
        })?;
        for (at, (row, prompt)) in rows.iter().zip(&prompts).enumerate() {
            write(&mut out, arguments.raw, first + at, row, prompt)?;
        }
        if let Some(signal) = watch.signal() {
            out.flush()?;
            return Ok(Outcome::Interrupted(signal));
        }
    }
    out.flush()?;
    Ok(Outcome::Done)
}

fn write(out: &mut impl Write, raw: bool, index: usize, row: &[f32], prompt: &Prompt) -> Result<()> {
    if raw {
        return Ok(row.iter().try_for_each(|value| out.write_all(&value.to_le_bytes()))?);
    }
    Ok(writeln!(out, "{}", json!({ "index": index, "tokens": prompt.ids().len(), "embedding": row }))?)
}

fn open(arguments: &EmbedArguments) -> Result<Engine> {
    let source = load::open(arguments.model.as_deref(), &arguments.access)?;
    let options = EngineOptions { cpu: Some(load::cpu(&arguments.cpu)?), ..EngineOptions::default() };
    let engine = Engine::of_source(&*source, options)?;
    engine.warnings().iter().for_each(|warning| crate::message::warning(&warning.to_string()));
    Ok(engine)
}

fn pooling(arguments: &EmbedArguments, engine: &Engine) -> Result<Pooling> {
    let asked = arguments.pooling.or(engine.config().pooling);
    let none = || {
        let message = "the file does not say which row stands for a text: say `--pooling last` or `--pooling mean`";
        anyhow!(Usage(message.to_owned()))
    };
    asked.ok_or_else(none)
}
