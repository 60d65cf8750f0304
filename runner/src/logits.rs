//! `trine logits`: the logits of every position, as raw little-endian f32 for comparison with other engines, or as the
//! likeliest tokens ([`crate::likeliest`]).

use crate::args::LogitsArguments;
use crate::interrupt::Watch;
use crate::likeliest::Positions;
use crate::load::{self, Program};
use crate::message::Usage;
use crate::outcome::Outcome;
use crate::progress::Progress;
use crate::{document, generation};
use anyhow::{Context, Result, bail};
use std::io::{self, BufWriter, IsTerminal, Write};
use std::path::Path;
use std::sync::Arc;
use trine::kernels::CacheType;
use trine::loader::write_output;
use trine::model::{EncodeOptions, KvCache, Source, Tokenizer, Transformer};
use trine::ops::Cpu;
use trine::shapes::{Axis, Fixed, Idx, Model, Vocab};

/// Positions that are computed together: their logits are in memory at a time.
const POSITIONS: usize = 32;

/// Runs the command.
///
/// # Errors
/// The model does not load, an id is beyond its vocabulary, there are more ids than positions, or the output cannot be
/// written.
pub fn logits(arguments: &LogitsArguments) -> Result<Outcome> {
    if arguments.out.is_none() && !arguments.json && io::stdout().is_terminal() {
        bail!(Usage(
            "logits are binary and would garble the terminal: name a file with --out, use a pipe, or ask for --json"
                .to_owned()
        ));
    }
    let file = load::open(arguments.file.as_deref(), &arguments.load.access)?;
    let cpu = load::cpu(&arguments.cpu)?;
    let tokenizer = tokenizer(&*file, arguments)?;
    let ids = match (&arguments.prompt, &tokenizer) {
        (Some(text), Some(tokenizer)) => generation::prompt(tokenizer, text, EncodeOptions::PROMPT)?,
        _ => arguments.ids.clone(),
    };
    let compute = |take: &mut dyn FnMut(&[f32]) -> Result<()>| {
        let logits = Logits { file: file.label(), ids: &ids, kv: arguments.kv, cpu: &cpu, take };
        load::with_model(&*file, &arguments.load, &cpu, logits)
    };
    if arguments.json {
        let mut positions = Positions::new(&ids, arguments.top_k, tokenizer.as_ref());
        let outcome = compute(&mut |row| positions.push(row))?;
        if outcome == Outcome::Done {
            document::print(&positions.document())?;
        }
        return Ok(outcome);
    }
    let name = arguments.out.as_ref().map_or_else(|| "standard output".to_owned(), |path| path.display().to_string());
    let write = |out: &mut dyn Write| {
        let mut row = |row: &[f32]| {
            let mut bytes = row.iter().map(|logit| logit.to_le_bytes());
            bytes.try_for_each(|bytes| out.write_all(&bytes)).with_context(|| cannot_write(&name))
        };
        let outcome = compute(&mut row)?;
        out.flush().with_context(|| cannot_write(&name))?;
        Ok(outcome)
    };
    match &arguments.out {
        Some(path) => write_file(path, &name, write),
        None => write(&mut BufWriter::new(io::stdout().lock())),
    }
}

/// The tokenizer, where the arguments ask for texts and the file has them.
fn tokenizer(file: &dyn Source, arguments: &LogitsArguments) -> Result<Option<Tokenizer>> {
    let wanted = arguments.prompt.is_some() || arguments.json && file.has_vocabulary();
    wanted.then(|| load::tokenizer(file, &arguments.load.vocabulary)).transpose()
}

/// Lets `write` write the file at `path`, which appears once it is complete.
fn write_file(path: &Path, name: &str, write: impl FnOnce(&mut dyn Write) -> Result<Outcome>) -> Result<Outcome> {
    let written = write_output(path, |out| match write(out) {
        Ok(Outcome::Done) => Ok(Outcome::Done),
        Ok(other) => Err(Stopped::With(other)),
        Err(error) => Err(Stopped::Failed(error)),
    });
    match written {
        Ok(outcome) | Err(Stopped::With(outcome)) => Ok(outcome),
        Err(Stopped::Failed(error)) => Err(error),
        Err(Stopped::Io(error)) => Err(error).with_context(|| cannot_write(name)),
    }
}

fn cannot_write(name: &str) -> String {
    format!("{name}: cannot write it")
}

/// Why a file does not appear.
enum Stopped {
    /// The command ended before it was complete.
    With(Outcome),
    /// Its contents could not be made.
    Failed(anyhow::Error),
    /// The file system refused.
    Io(io::Error),
}

impl From<io::Error> for Stopped {
    fn from(error: io::Error) -> Stopped {
        Stopped::Io(error)
    }
}

struct Logits<'l> {
    /// The model's name in messages.
    file: &'l str,
    ids: &'l [u32],
    kv: CacheType,
    cpu: &'l Cpu,
    /// Gets the logits of each position.
    take: &'l mut dyn FnMut(&[f32]) -> Result<()>,
}

impl Program for Logits<'_> {
    type Out = Outcome;

    fn run<M: Model>(self, model: &Arc<Transformer<M>>) -> Result<Outcome> {
        let (positions, context) = (self.ids.len(), model.config.context);
        if positions > context {
            bail!("there are {positions} ids, but the context of the model has {context} positions");
        }
        let vocab = Vocab::of(model.model);
        let index = |&id: &u32| Idx::new(vocab, id);
        let tokens = self.ids.iter().map(index).collect::<Result<Vec<_>, _>>().context("--ids")?;
        let mut cache = KvCache::new(model, Fixed::<1>, positions, self.kv)?;
        let progress = Progress::new("computing");
        let watch = Watch::begin();
        for chunk in tokens.chunks(POSITIONS) {
            let logits = cache.step(&[chunk], |step| model.logits(self.cpu, step).into_data())?;
            let first = cache.len() - chunk.len();
            for (at, row) in logits.chunks_exact(vocab.len()).enumerate() {
                if let Some((of, logit)) = row.iter().enumerate().find(|(_, logit)| !logit.is_finite()) {
                    let (position, file) = (first + at, self.file);
                    bail!("{file}: logit {of} at position {position} is {logit}: the model computes no numbers");
                }
                (self.take)(row)?;
            }
            progress.set(cache.len(), positions);
            if let Some(signal) = watch.signal() {
                return Ok(Outcome::Interrupted(signal));
            }
        }
        Ok(Outcome::Done)
    }
}
