//! Waiting without the interpreter: other threads of Python run meanwhile, and a signal such as that of Ctrl-C ends the
//! wait. What does not belong here: what is waited for.

use crate::errors::internal;
use pyo3::prelude::*;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

/// How often signals are looked for.
const TICK: Duration = Duration::from_millis(40);

/// Whether nobody waits for some work any more.
#[derive(Clone, Default)]
pub struct Stop(Arc<AtomicBool>);

impl Stop {
    /// Whether it may break off.
    pub fn is_set(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// Does some work on a thread of its own and waits for it. Where a signal raises an exception the work is told, and it
/// ends by itself.
///
/// # Errors
/// The exception of a signal; the work has panicked.
pub fn run<T: Send + 'static>(py: Python<'_>, work: impl FnOnce(&Stop) -> T + Send + 'static) -> PyResult<T> {
    let stop = Stop::default();
    let (sender, mut receiver) = sync_channel(1);
    let told = stop.clone();
    let begun = thread::Builder::new().name("trine".to_owned()).spawn(move || {
        // Who waited may have gone.
        let _ = sender.send(work(&told));
    });
    begun.map_err(|error| internal(&format!("no thread can be started: {error}")))?;
    loop {
        let waiting = &mut receiver;
        match py.detach(move || waiting.recv_timeout(TICK)) {
            Ok(done) => return Ok(done),
            Err(RecvTimeoutError::Disconnected) => {
                return Err(internal("Trine has failed: this is a fault of its own"));
            }
            Err(RecvTimeoutError::Timeout) => {
                if let Err(raised) = py.check_signals() {
                    stop.0.store(true, Ordering::Relaxed);
                    return Err(raised);
                }
            }
        }
    }
}

/// Wakes a thread that is parked.
struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// What `poll` has, within a [`TICK`].
fn parked<T>(mut poll: impl FnMut(&mut Context<'_>) -> Poll<T>) -> Poll<T> {
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let (mut context, deadline) = (Context::from_waker(&waker), Instant::now() + TICK);
    loop {
        if let Poll::Ready(found) = poll(&mut context) {
            return Poll::Ready(found);
        }
        match deadline.checked_duration_since(Instant::now()) {
            Some(left) if !left.is_zero() => thread::park_timeout(left),
            _ => return Poll::Pending,
        }
    }
}

/// Waits until `poll` has something.
///
/// # Errors
/// The exception of a signal.
pub fn until<T: Send>(py: Python<'_>, mut poll: impl FnMut(&mut Context<'_>) -> Poll<T> + Send) -> PyResult<T> {
    loop {
        let waiting = &mut poll;
        if let Poll::Ready(found) = py.detach(move || parked(waiting)) {
            return Ok(found);
        }
        py.check_signals()?;
    }
}
