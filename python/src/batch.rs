//! Shards of requests that become shards of answers. What does not belong here: what they become, and how it comes to
//! disk (`trine-server`).

use crate::errors::{internal, of_engine, other};
use crate::owned::Owned;
use crate::wait;
use pyo3::prelude::*;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use trine_server::{BatchError, Server};

/// What makes of shards what they become.
#[pyclass(frozen, module = "trine._trine")]
pub struct Batch(Owned<Arc<trine_server::Batch>>);

impl Batch {
    /// With these fields for all rows.
    ///
    /// # Errors
    /// A field is wrong.
    pub fn new(server: &Server, fields: &str) -> PyResult<Batch> {
        let batch = trine_server::Batch::new(server, fields).map_err(refused)?;
        Ok(Batch(Owned::new(Arc::new(batch))))
    }
}

fn refused(error: BatchError) -> PyErr {
    match &error {
        // As Python has it: the kind of the error is its class.
        BatchError::File { error: of_system, .. } => io::Error::new(of_system.kind(), error.to_string()).into(),
        BatchError::Engine(error) => of_engine(error),
        BatchError::Threads(_) | BatchError::Failed(_) | BatchError::Stopped => internal(&error.to_string()),
        _ => other(error),
    }
}

#[pymethods]
impl Batch {
    /// What tells the model from others.
    fn fingerprint(&self) -> PyResult<String> {
        Ok(self.0.get()?.fingerprint().to_owned())
    }

    /// Makes of a shard what it becomes, in a directory, unless it is there: its path, and how many rows have an error
    /// in place of a text.
    fn process(&self, py: Python<'_>, shard: PathBuf, output: PathBuf) -> PyResult<(PathBuf, usize)> {
        let batch = self.0.get()?.clone();
        let made = wait::run(py, move |stop| batch.process(&shard, &output, &|| stop.is_set()))?.map_err(refused)?;
        Ok((made.path, made.refused))
    }

    /// What rows become that are lines of JSON: of each a line of JSON.
    fn lines(&self, py: Python<'_>, rows: String) -> PyResult<Vec<String>> {
        let batch = self.0.get()?.clone();
        wait::run(py, move |stop| batch.lines(rows.as_bytes(), &|| stop.is_set()))?.map_err(refused)
    }
}
