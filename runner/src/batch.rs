//! `trine batch`: shards of requests become shards of answers. Everything but arguments, signals and notes is in
//! `trine-server`.

use crate::args::BatchArguments;
use crate::interrupt::Watch;
use crate::message::{Usage, note, warning};
use crate::outcome::Outcome;
use crate::serve::open;
use anyhow::{Context, Result, bail};
use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;
use trine_server::{Batch, BatchError, Made, Server, ServerOptions};

/// Longer than any batch.
const EVER: Duration = Duration::from_secs(100 * 365 * 86_400);

/// Runs the command.
///
/// # Errors
/// The model does not load, an argument is wrong, a shard cannot be read or what it becomes cannot be written.
pub fn batch(arguments: &BatchArguments) -> Result<Outcome> {
    let shards = shards(&arguments.input)?;
    let fields = fields(&arguments.fields)?;
    let output = &arguments.output;
    std::fs::create_dir_all(output).with_context(|| format!("{}: cannot make the directory", output.display()))?;
    let mut options = ServerOptions {
        max_sequences: arguments.engine.max_seqs,
        max_queue: usize::MAX,
        max_wait: EVER,
        request_timeout: EVER,
        // Nobody waits for a token.
        step_time: Duration::from_secs(1),
        ..ServerOptions::default()
    };
    let engine = open(arguments.model.as_deref(), &arguments.engine, &mut options)?;
    let server = Server::new(engine, options)?;
    let batch = Batch::new(&server, &fields).map_err(|error| match error {
        BatchError::Fields(_) => Usage(error.to_string()).into(),
        other => anyhow::Error::new(other),
    })?;
    let watch = Watch::begin();
    let mut refused = 0;
    for shard in &shards {
        match batch.process(shard, output, &|| watch.signal().is_some()) {
            Ok(made) => {
                refused += made.refused;
                tell(&made)?;
            }
            Err(BatchError::Stopped) => break,
            Err(error) => return Err(error.into()),
        }
    }
    match (watch.end(), refused) {
        (Some(signal), _) => Ok(Outcome::Interrupted(signal)),
        (None, 0) => Ok(Outcome::Done),
        (None, _) => Ok(Outcome::Refused),
    }
}

/// The path on standard output, and what became of the rows.
fn tell(made: &Made) -> Result<()> {
    let path = made.path.display();
    match made.rows {
        Some(rows) => note(&format!("{path}: {rows} rows")),
        None => note(&format!("{path}: was there")),
    }
    if made.refused > 0 {
        warning(&format!("{path}: {} rows have an error instead of a text", made.refused));
    }
    writeln!(io::stdout().lock(), "{path}")?;
    Ok(())
}

/// The files of the input, in the order of their names.
fn shards(input: &Path) -> Result<Vec<PathBuf>> {
    let found = std::fs::metadata(input).with_context(|| format!("{}: cannot read it", input.display()))?;
    if !found.is_dir() {
        return Ok(vec![input.to_owned()]);
    }
    let cannot = || format!("{}: cannot list it", input.display());
    let mut shards = Vec::new();
    for entry in std::fs::read_dir(input).with_context(cannot)? {
        let path = entry.with_context(cannot)?.path();
        if path.extension().is_some_and(|ending| ending == "jsonl") {
            shards.push(path);
        }
    }
    shards.sort();
    if shards.is_empty() {
        bail!("{}: expected shards, files `*.jsonl`, found none", input.display());
    }
    Ok(shards)
}

/// The fields as one JSON object.
fn fields(given: &[(String, serde_json::Value)]) -> Result<String> {
    let mut fields = BTreeMap::new();
    for (name, value) in given {
        if fields.insert(name, value).is_some() {
            return Err(Usage(format!("--field {name} is given twice: expected each field once")).into());
        }
    }
    Ok(serde_json::to_string(&fields)?)
}
