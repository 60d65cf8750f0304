//! `trine logits`: the logits of every position as raw little-endian f32, for comparison with other engines.

use crate::args::LogitsArguments;
use crate::interrupt::Watch;
use crate::load::{self, Program};
use crate::message::Usage;
use crate::outcome::Outcome;
use crate::progress::Progress;
use anyhow::{Context, Result, bail};
use std::io::{self, BufWriter, IsTerminal, Write};
use std::path::Path;
use std::sync::Arc;
use trine::kernels::CacheType;
use trine::loader::write_output;
use trine::model::{KvCache, Transformer};
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
    if arguments.out.is_none() && io::stdout().is_terminal() {
        bail!(Usage(
            "logits are binary and would garble the terminal: name a file with --out, or use a pipe".to_owned()
        ));
    }
    let file = load::open(arguments.file.as_deref(), &arguments.load.access)?;
    let cpu = load::cpu(&arguments.cpu)?;
    let (ids, kv) = (arguments.ids.as_slice(), arguments.kv);
    let name = arguments.out.as_ref().map_or_else(|| "standard output".to_owned(), |path| path.display().to_string());
    let write = |out: &mut dyn Write| {
        load::with_model(
            &*file,
            &arguments.load,
            &cpu,
            Logits { file: file.label(), ids, kv, cpu: &cpu, out, name: &name },
        )
    };
    match &arguments.out {
        Some(path) => write_file(path, &name, write),
        None => write(&mut BufWriter::new(io::stdout().lock())),
    }
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
    out: &'l mut dyn Write,
    /// What `out` is.
    name: &'l str,
}

impl Program for Logits<'_> {
    type Out = Outcome;

    fn run<M: Model>(self, model: &Arc<Transformer<M>>) -> Result<Outcome> {
        let (positions, context) = (self.ids.len(), model.config.context);
        if positions > context {
            bail!("--ids has {positions} ids, but the context of the model has {context} positions");
        }
        let vocab = Vocab::of(model.model);
        let index = |&id: &u32| Idx::new(vocab, id);
        let tokens = self.ids.iter().map(index).collect::<Result<Vec<_>, _>>().context("--ids")?;
        let mut cache = KvCache::new(model, Fixed::<1>, positions, self.kv)?;
        let progress = Progress::new("computing");
        let watch = Watch::begin();
        for chunk in tokens.chunks(POSITIONS) {
            let logits = cache.step(&[chunk], |step| model.logits(self.cpu, step).into_data())?;
            for (at, logit) in logits.iter().enumerate() {
                if !logit.is_finite() {
                    let (position, of) = (cache.len() - chunk.len() + at / vocab.len(), at % vocab.len());
                    let file = self.file;
                    bail!("{file}: logit {of} at position {position} is {logit}: the model computes no numbers");
                }
                self.out.write_all(&logit.to_le_bytes()).with_context(|| cannot_write(self.name))?;
            }
            progress.set(cache.len(), positions);
            if let Some(signal) = watch.signal() {
                return Ok(Outcome::Interrupted(signal));
            }
        }
        self.out.flush().with_context(|| cannot_write(self.name))?;
        Ok(Outcome::Done)
    }
}
