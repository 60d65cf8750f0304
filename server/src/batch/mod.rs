//! Shards of requests that become shards of answers, so that any engine of batch jobs may repeat, kill and race the
//! work.
//!
//! A shard is a file of lines of JSON. What is made of it has a name that follows from the name and the contents of the
//! shard, the options and the model, and is there as a whole or not at all. A shard that is there is not made again.
//! What a row becomes is a function of the row, the options and the model alone, on every machine: whoever makes it
//! makes the same bytes.
//!
//! * `rows.rs`: the lines of a shard;
//! * `answers.rs`: what a row becomes.
//!
//! What belongs here: files and their names. What does not: what a request may ask for (`request`), and HTTP.

mod answers;
mod rows;

use crate::error::ApiError;
use crate::fields::Fields;
use crate::json::Json;
use crate::server::Server;
use answers::{Answer, Answers};
use rows::Row;
use sha2::{Digest, Sha256};
use std::io::{self, Write};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinSet;
use tokio::time::timeout;
use trine::loader::write_output;
use trine::model::{Engine, EngineError, LogitsRequest};

/// Why a shard was not made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BatchError {
    /// A file cannot be read or written.
    #[error("{}: {error}", path.display())]
    File {
        /// Its path.
        path: PathBuf,
        /// What the system says.
        error: io::Error,
    },
    /// A line is no row.
    #[error("{}, line {line}: {problem}", path.display())]
    Row {
        /// The path of the shard.
        path: PathBuf,
        /// The number of the line, from 1.
        line: usize,
        /// What is wrong with it.
        problem: String,
    },
    /// A line of rows in memory is no row.
    #[error("line {line}: {problem}")]
    Line {
        /// The number of the line, from 1.
        line: usize,
        /// What is wrong with it.
        problem: String,
    },
    /// The model generates no text.
    #[error("{0}")]
    Model(String),
    /// The fields for all rows are wrong.
    #[error("fields for all rows: {0}")]
    Fields(String),
    /// The model cannot say what it is.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The system gives no threads.
    #[error("no threads for a batch: {0}")]
    Threads(io::Error),
    /// The engine failed at a row that is not wrong.
    #[error("the engine failed: {0}")]
    Failed(String),
    /// It was asked to stop.
    #[error("stopped before the shard was complete")]
    Stopped,
}

/// A shard that is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Made {
    /// Where.
    pub path: PathBuf,
    /// Its rows; none where it was there before.
    pub rows: Option<usize>,
    /// Rows that have an error instead of a text.
    pub refused: usize,
}

/// What makes shards with a server's model.
#[derive(Debug)]
pub struct Batch {
    answers: Arc<Answers>,
    runtime: Runtime,
    /// The fields for all rows, in one order.
    fields: String,
    /// Rows that are on their way together.
    together: usize,
}

/// How often a stop is looked for.
const LOOK: Duration = Duration::from_millis(100);

impl Batch {
    /// For a server that refuses nothing because there is much to do: its `max_queue`, `max_wait` and `request_timeout`
    /// are as large as they can be. `fields` are those of `/v1/completions` for rows that do not have them, as a JSON
    /// object; without a `seed` it is 0.
    ///
    /// # Errors
    /// A field is unknown or wrong, the model generates no text, or the system gives no threads or no memory.
    pub fn new(server: &Server, fields: &str) -> Result<Batch, BatchError> {
        let wrong = |error: ApiError| BatchError::Fields(error.message);
        let mut fields = Fields::of_body(fields.as_bytes()).map_err(wrong)?.rest();
        if !fields.iter().any(|(name, _)| name == "seed") {
            fields.push(("seed".to_owned(), Json::from_integer(0)));
        }
        fields.sort_by(|one, other| one.0.cmp(&other.0));
        let app = server.app().clone();
        app.check_generates().map_err(|error| BatchError::Model(error.message))?;
        let fingerprint = fingerprint(&app.engine)?;
        let together = app.options.max_sequences.get().saturating_mul(2);
        let text = Json::Object(fields.clone()).to_string();
        let answers = Answers::new(app, fields, fingerprint);
        answers.check().map_err(wrong)?;
        let runtime =
            Builder::new_multi_thread().worker_threads(2).enable_time().build().map_err(BatchError::Threads)?;
        Ok(Batch { answers: Arc::new(answers), runtime, fields: text, together })
    }

    /// What tells the model, as it is computed here, from others: equal on all machines.
    pub fn fingerprint(&self) -> &str {
        self.answers.fingerprint()
    }

    /// Makes of a shard what it becomes, in the folder `output`, unless it is there. `is_stopped` is asked again and
    /// again.
    ///
    /// # Errors
    /// The shard cannot be read, a line of it is no row, the output cannot be written, or it was asked to stop. Nothing
    /// is left behind then.
    pub fn process(&self, shard: &Path, output: &Path, is_stopped: &dyn Fn() -> bool) -> Result<Made, BatchError> {
        let of_file = |path: &Path| {
            let path = path.to_owned();
            move |error| BatchError::File { path, error }
        };
        let contents = std::fs::read(shard).map_err(of_file(shard))?;
        let place = output.join(self.name(shard, &contents));
        if place.try_exists().map_err(of_file(&place))? {
            return Ok(Made { path: place, rows: None, refused: 0 });
        }
        let rows = rows::read(&contents).map_err(|(line, problem)| BatchError::Row {
            path: shard.to_owned(),
            line,
            problem,
        })?;
        let answers = self.answers(rows, is_stopped)?;
        let refused = answers.iter().filter(|answer| answer.is_refused).count();
        let written =
            write_output(&place, |out| answers.iter().try_for_each(|answer| writeln!(out, "{}", answer.line)));
        written.map_err(of_file(&place))?;
        Ok(Made { path: place, rows: Some(answers.len()), refused })
    }

    /// What rows in memory become, in their order: of each the line that [`process`](Batch::process) would write.
    /// `rows` are lines of JSON, as a shard has them.
    ///
    /// # Errors
    /// A line is no row, the engine fails, or it was asked to stop.
    pub fn lines(&self, rows: &[u8], is_stopped: &dyn Fn() -> bool) -> Result<Vec<String>, BatchError> {
        let rows = rows::read(rows).map_err(|(line, problem)| BatchError::Line { line, problem })?;
        Ok(self.answers(rows, is_stopped)?.into_iter().map(|answer| answer.line).collect())
    }

    fn answers(&self, rows: Vec<Row>, is_stopped: &dyn Fn() -> bool) -> Result<Vec<Answer>, BatchError> {
        self.runtime.block_on(self.answer(rows, is_stopped))
    }

    /// The name of what a shard becomes.
    fn name(&self, shard: &Path, contents: &[u8]) -> String {
        let name = shard.file_name().unwrap_or_default().to_string_lossy();
        let told = [&*name, &hex(&Sha256::digest(contents)), self.fingerprint(), &self.fields];
        let told = Json::Array(told.map(Json::from).to_vec()).to_string();
        let stem = shard.file_stem().unwrap_or_default().to_string_lossy();
        format!("{stem}-{}.jsonl", &hex(&Sha256::digest(told))[..16])
    }

    /// The answers to all rows, in their order.
    async fn answer(&self, rows: Vec<Row>, is_stopped: &dyn Fn() -> bool) -> Result<Vec<Answer>, BatchError> {
        let mut made: Vec<Option<Answer>> = rows.iter().map(|_| None).collect();
        let mut waiting = rows.into_iter().enumerate();
        let mut running = JoinSet::new();
        loop {
            while running.len() < self.together
                && let Some((at, row)) = waiting.next()
            {
                let answers = self.answers.clone();
                running.spawn(async move { (at, answers.of(&row).await) });
            }
            if is_stopped() {
                return Err(BatchError::Stopped);
            }
            match timeout(LOOK, running.join_next()).await {
                Err(_) => {}
                Ok(None) => return Ok(made.into_iter().flatten().collect()),
                Ok(Some(Ok((at, Ok(answer))))) => made[at] = Some(answer),
                Ok(Some(Ok((_, Err(error))))) => return Err(BatchError::Failed(error.message)),
                Ok(Some(Err(error))) => return Err(BatchError::Failed(error.to_string())),
            }
        }
    }
}

/// A digest of what the model remembers of a token. Requests may have all the memory that the server has for sequences.
fn fingerprint(engine: &Engine) -> Result<String, EngineError> {
    let engine = engine.with_memory_of_its_own(NonZeroUsize::MIN)?;
    let mut sequence = engine.sequence();
    sequence.feed(&engine.prompt_of_ids(&[0])?, LogitsRequest::LARGEST, &mut || std::ops::ControlFlow::Continue(()))?;
    let mut hasher = Sha256::new();
    hasher.update(concat!(env!("CARGO_PKG_VERSION"), "\n"));
    hasher.update(sequence.to_bytes()?);
    Ok(hex(&hasher.finalize())[..16].to_owned())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
