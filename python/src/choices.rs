//! Texts that are being generated: the next event, for a loop that waits and for a coroutine that is called. What does
//! not belong here: what is asked for (`engine.rs`), what an event says (`event.rs`).

use crate::event::Event;
use crate::notify::Call;
use crate::owned::{Owned, Reader};
use crate::wait;
use pyo3::prelude::*;
use std::task::{Context, Poll, Waker};
use trine_server::{Event as Told, Running};

/// Texts that are being generated. They are cancelled where this is dropped before its end.
#[pyclass(frozen, module = "trine._trine")]
pub struct Choices(Owned<Reader<State>>);

struct State {
    /// Nothing behind the end.
    running: Option<Running>,
    /// Texts that have not ended.
    left: usize,
    /// For each text whose prompt is scored, the token behind which scores begin.
    scored_from: Vec<usize>,
}

impl Choices {
    /// So many texts. Where their prompts are scored, from which token on.
    pub fn new(running: Running, count: usize, scored_from: Vec<usize>) -> Choices {
        Choices(Owned::new(Reader::new(State { running: Some(running), left: count, scored_from })))
    }
}

impl State {
    /// The next event that is of use, where it is there; none behind the last.
    fn poll(&mut self, context: &mut Context<'_>) -> Poll<PyResult<Option<Event>>> {
        loop {
            let Some(running) = &mut self.running else { return Poll::Ready(Ok(None)) };
            let Poll::Ready((index, told)) = running.poll_next(context) else { return Poll::Pending };
            self.left -= usize::from(matches!(told, Told::Done { .. }));
            if self.left == 0 || matches!(told, Told::Failed(_)) {
                self.running = None;
            }
            match Event::of(index, told, &self.scored_from) {
                Ok(None) => {}
                found => return Poll::Ready(found),
            }
        }
    }
}

#[pymethods]
impl Choices {
    /// Waits for the next event; none behind the last one. An exception of a signal cancels the texts.
    fn next(&self, py: Python<'_>) -> PyResult<Option<Event>> {
        let mut state = self.0.get()?.lock()?;
        let waiting = &mut *state;
        let found = wait::until(py, move |context| waiting.poll(context));
        found.inspect_err(|_| state.running = None)?
    }

    /// The next event, and whether there may be more. Where none has come yet, `callback` is called once, from another
    /// thread, when one has.
    fn poll(&self, callback: Py<PyAny>) -> PyResult<(Option<Event>, bool)> {
        let waker = Waker::from(Call::new(callback));
        match self.0.get()?.lock()?.poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(event) => event.map(|event| {
                let is_more = event.is_some();
                (event, is_more)
            }),
            Poll::Pending => Ok((None, true)),
        }
    }

    /// Ends what has not ended.
    fn cancel(&self) -> PyResult<()> {
        self.0.get()?.lock()?.running = None;
        Ok(())
    }
}
