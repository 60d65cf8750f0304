//! Calls to Python when something has come. They are made on a thread of their own: whoever has the news, such as the
//! thread of the engine, never waits for the interpreter. What does not belong here: what has come.

use pyo3::prelude::*;
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Wake;
use std::thread;

/// The thread, which begins with the first call, and the process that has it: a fork has threads of its own.
static CALLS: Mutex<Option<(u32, Sender<Py<PyAny>>)>> = Mutex::new(None);

/// Has a function be called.
fn call(callback: Py<PyAny>) {
    let mut calls = CALLS.lock().unwrap_or_else(PoisonError::into_inner);
    let process = std::process::id();
    if calls.as_ref().is_none_or(|(of, _)| *of != process) {
        let (sender, receiver) = channel::<Py<PyAny>>();
        // Without a thread nothing is called, as in a system that gives none to the engine either.
        let _ = thread::Builder::new().name("trine notify".to_owned()).spawn(move || {
            while let Ok(callback) = receiver.recv() {
                // An event loop that is closed refuses: nobody waits there any more. At the end of the interpreter
                // nothing is called.
                let _ = Python::try_attach(|py| callback.call0(py).map(drop));
            }
        });
        std::mem::forget(calls.replace((process, sender)));
    }
    if let Some((_, sender)) = &*calls {
        let _ = sender.send(callback);
    }
}

/// Calls a function of Python once.
pub struct Call(Mutex<Option<Py<PyAny>>>);

impl Call {
    /// Calls `callback` when it is woken.
    pub fn new(callback: Py<PyAny>) -> Arc<Call> {
        Arc::new(Call(Mutex::new(Some(callback))))
    }
}

impl Wake for Call {
    fn wake(self: Arc<Self>) {
        if let Some(callback) = self.0.lock().unwrap_or_else(PoisonError::into_inner).take() {
            call(callback);
        }
    }
}
