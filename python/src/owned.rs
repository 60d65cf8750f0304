//! What belongs to one process. A fork copies memory but no threads, so that what waits for threads would wait for ever
//! in the child. What does not belong here: what it is.

use crate::errors::TrineError;
use pyo3::PyResult;
use pyo3::exceptions::PyValueError;
use std::sync::{Mutex, MutexGuard, TryLockError};

/// A value that is of use in the process that made it. In a child of that process it is neither used nor dropped.
pub struct Owned<T> {
    value: Option<T>,
    process: u32,
}

impl<T> Owned<T> {
    /// A value of this process.
    pub fn new(value: T) -> Owned<T> {
        Owned { value: Some(value), process: std::process::id() }
    }

    /// The value.
    ///
    /// # Errors
    /// The process is a child of the one that made it.
    pub fn get(&self) -> PyResult<&T> {
        match &self.value {
            Some(value) if self.process == std::process::id() => Ok(value),
            _ => Err(TrineError::new_err(format!(
                "the model was opened in process {} and this is its fork {}, which has none of its threads: open the \
                 model in the child, or start children by the method `spawn` of multiprocessing",
                self.process,
                std::process::id()
            ))),
        }
    }
}

impl<T> Drop for Owned<T> {
    fn drop(&mut self) {
        if self.process != std::process::id() {
            std::mem::forget(self.value.take());
        }
    }
}

/// What one thread reads at a time.
pub struct Reader<T>(Mutex<T>);

impl<T> Reader<T> {
    /// Nobody reads it.
    pub fn new(value: T) -> Reader<T> {
        Reader(Mutex::new(value))
    }

    /// The value, for this thread alone.
    ///
    /// # Errors
    /// Another thread has it.
    pub fn lock(&self) -> PyResult<MutexGuard<'_, T>> {
        match self.0.try_lock() {
            Ok(value) => Ok(value),
            Err(TryLockError::Poisoned(value)) => Ok(value.into_inner()),
            Err(TryLockError::WouldBlock) => {
                Err(PyValueError::new_err("another thread waits for this text: let one thread read it"))
            }
        }
    }
}
