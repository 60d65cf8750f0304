//! One sequence that Python feeds token by token, and its logits. What does not belong here: texts that are generated
//! (`choices.rs`).

use crate::arrays::{self, Named, OfLogits};
use crate::errors::{internal, of_engine, other};
use crate::owned::Owned;
use crate::wait;
use pyo3::prelude::*;
use std::ops::ControlFlow;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use trine::model::{Engine, LogitsRequest, Sequence};

/// A sequence.
#[pyclass(frozen, module = "trine._trine")]
pub struct Session(Owned<Arc<Mutex<Sequence>>>);

/// Most bytes of logits that are made at once.
const MOST: usize = 1 << 30;

fn locked(sequence: &Mutex<Sequence>) -> MutexGuard<'_, Sequence> {
    sequence.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Session {
    /// A sequence.
    pub fn new(sequence: Sequence) -> Session {
        Session(Owned::new(Arc::new(Mutex::new(sequence))))
    }

    /// Runs something on the sequence while others use the interpreter.
    fn with<T: Send + 'static>(
        &self,
        py: Python<'_>,
        work: impl FnOnce(&mut Sequence, &wait::Stop) -> T + Send + 'static,
    ) -> PyResult<T> {
        let sequence = self.0.get()?.clone();
        wait::run(py, move |stop| work(&mut locked(&sequence), stop))
    }
}

fn proceed(stop: &wait::Stop) -> ControlFlow<()> {
    if stop.is_set() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
}

/// The logits of every token, row by row.
fn every(sequence: &mut Sequence, ids: &[u32], stop: &wait::Stop) -> PyResult<Vec<f32>> {
    let engine: Engine = sequence.engine().clone();
    let (vocab, tokens) = (engine.config().dims.vocab, ids.len());
    let bytes = tokens.saturating_mul(vocab).saturating_mul(size_of::<f32>());
    if bytes > MOST {
        let (mib, most) = (bytes >> 20, MOST >> 20);
        let message = format!("logits of {tokens} tokens are {mib} MiB, expected at most {most}: feed fewer at a time");
        return Err(other(message));
    }
    let prompt = engine.prompt_of_ids(ids).map_err(|error| of_engine(&error))?;
    let mut values = Vec::with_capacity(tokens * vocab);
    let see = &mut |logits: trine::model::EngineLogits| values.extend(logits.into_dense());
    let fed = sequence.feed_each(&prompt, see, &mut || proceed(stop)).map_err(|error| of_engine(&error))?;
    if fed { Ok(values) } else { Err(internal("interrupted")) }
}

/// The logits that follow the last token.
fn last(sequence: &mut Sequence, ids: &[u32], stop: &wait::Stop) -> PyResult<Vec<f32>> {
    let prompt = sequence.engine().prompt_of_ids(ids).map_err(|error| of_engine(&error))?;
    let fed = sequence.feed(&prompt, LogitsRequest::All, &mut || proceed(stop));
    let logits = fed.map_err(|error| of_engine(&error))?.ok_or_else(|| internal("interrupted"))?;
    Ok(logits.into_dense())
}

#[pymethods]
impl Session {
    /// Appends tokens, and returns the logits that follow the last one, or each of them.
    fn feed<'py>(&self, py: Python<'py>, ids: Vec<u32>, all: bool) -> PyResult<Named<'py>> {
        let rows = ids.len();
        let (values, dims) = self.with(py, move |sequence, stop| {
            let values = if all { every(sequence, &ids, stop) } else { last(sequence, &ids, stop) };
            (values, sequence.engine().visit(OfLogits))
        })?;
        let values = values?;
        match all {
            true => {
                let vocab = values.len() / rows.max(1);
                arrays::array(py, values, &[rows, vocab], dims)
            }
            false => {
                let vocab = values.len();
                arrays::array(py, values, &[vocab], &dims[1..])
            }
        }
    }

    /// The ids of the tokens so far.
    fn tokens(&self, py: Python<'_>) -> PyResult<Vec<u32>> {
        self.with(py, |sequence, _| sequence.tokens().map(|token| token.id()).collect())
    }

    /// How many tokens there are.
    fn length(&self, py: Python<'_>) -> PyResult<usize> {
        self.with(py, |sequence, _| sequence.len())
    }

    /// Goes back to the longest common beginning with `ids`, short of the last one; how many tokens are left.
    fn rewind(&self, py: Python<'_>, ids: Vec<u32>) -> PyResult<usize> {
        self.with(py, move |sequence, _| {
            let prompt = sequence.engine().prompt_of_ids(&ids)?;
            sequence.rewind(&prompt)
        })?
        .map_err(|error| of_engine(&error))
    }

    /// A second session with the same tokens.
    fn fork(&self, py: Python<'_>) -> PyResult<Session> {
        self.with(py, |sequence, _| Session::new(sequence.fork()))
    }

    /// The tokens and what the model remembers of them, as bytes.
    fn save(&self, py: Python<'_>) -> PyResult<std::borrow::Cow<'static, [u8]>> {
        self.with(py, |sequence, _| sequence.to_bytes())?
            .map(std::borrow::Cow::Owned)
            .map_err(|error| of_engine(&error))
    }

    /// Positions that there may be.
    fn capacity(&self, py: Python<'_>) -> PyResult<usize> {
        self.with(py, |sequence, _| sequence.capacity())
    }
}
