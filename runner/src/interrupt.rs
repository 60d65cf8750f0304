//! Signals that end a process: Ctrl-C, and on Unix those that a terminal, a system that shuts down or a limit sends.
//! While text is generated the first one is noted, so that it ends cleanly; at any other time, and the second time, it
//! ends the process. No file in the making is left behind.

use anyhow::{Context, Result};
use std::io;
use std::process::exit;
use std::sync::atomic::{AtomicI32, Ordering};
#[cfg(unix)]
use std::sync::{Arc, atomic::AtomicBool};
use std::sync::{Condvar, Mutex, PoisonError};
#[cfg(feature = "serve")]
use std::time::Duration;

/// What is in [`STATE`] besides the number of a signal that was noted.
const NOT_WATCHED: i32 = 0;
const WATCHED: i32 = -1;

/// Signal handlers belong to the process, and so does what they note.
static STATE: AtomicI32 = AtomicI32::new(NOT_WATCHED);

/// What is done before a signal ends the process.
static LAST: Mutex<Option<Box<dyn Fn() + Send>>> = Mutex::new(None);

/// Has `last` be done before a signal ends the process, on another thread than the one that waits or works.
#[cfg(unix)]
pub fn before_the_end(last: impl Fn() + Send + 'static) {
    *LAST.lock().unwrap_or_else(PoisonError::into_inner) = Some(Box::new(last));
}

/// Takes the signals over from the system. To be called once.
///
/// # Errors
/// The system does not allow it.
pub fn install() -> Result<()> {
    listen(|signal| {
        if !note(signal) {
            let _held = trine::loader::remove_unfinished();
            LAST.lock().unwrap_or_else(PoisonError::into_inner).iter().for_each(|last| last());
            exit(Signal(signal).code().into());
        }
    })
    .context("cannot install the handlers of signals")
}

/// Whether a signal was noted: it is the first one while somebody watches.
fn note(signal: i32) -> bool {
    let is_noted = STATE.compare_exchange(WATCHED, signal, Ordering::SeqCst, Ordering::SeqCst).is_ok();
    if is_noted {
        // Held for a moment, so that nobody begins to wait between the note and the call.
        drop(WAITING.lock().unwrap_or_else(PoisonError::into_inner));
        NOTED.notify_all();
    }
    is_noted
}

/// Where those wait who have nothing else to do. Handlers run on a thread of their own, so that they may take a lock.
static WAITING: Mutex<()> = Mutex::new(());
static NOTED: Condvar = Condvar::new();

/// Calls `handler` with each signal, on a thread.
#[cfg(unix)]
fn listen(handler: impl Fn(i32) + Send + 'static) -> io::Result<()> {
    use signal_hook::consts::{SIGALRM, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2, SIGXCPU, SIGXFSZ};
    let ignored = ignored();
    let ending = [SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2, SIGALRM, SIGXCPU];
    let ending = ending.into_iter().filter(|signal| ignored & (1 << (signal - 1)) == 0);
    let mut signals = signal_hook::iterator::Signals::new(ending)?;
    std::thread::Builder::new().name("signals".to_owned()).spawn(move || signals.forever().for_each(handler))?;
    // A file that becomes too long is then an error of the write that made it so.
    signal_hook::flag::register(SIGXFSZ, Arc::<AtomicBool>::default())?;
    Ok(())
}

/// Calls `handler` at Ctrl-C, with the number that the signal has elsewhere.
#[cfg(not(unix))]
fn listen(handler: impl Fn(i32) + Send + 'static) -> io::Result<()> {
    ctrlc::set_handler(move || handler(CTRL_C)).map_err(io::Error::other)
}

/// The signals that who started the process has it ignore, as `nohup` does and shells do for what runs in the
/// background: bit 0 is signal 1. None where the system does not say.
#[cfg(unix)]
fn ignored() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0)
}

/// The number of Ctrl-C.
const CTRL_C: i32 = 2;

/// A signal that was noted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Signal(pub i32);

impl Signal {
    /// What Ctrl-C sends.
    pub const CTRL_C: Signal = Signal(CTRL_C);

    /// Whether a person asked for the end of what is being done, and not of the program.
    pub fn is_ctrl_c(self) -> bool {
        self.0 == CTRL_C
    }

    /// The exit code of a command that it ended: 128 and its number, so 130 after Ctrl-C.
    pub fn code(self) -> u8 {
        u8::try_from(128 + self.0).unwrap_or(u8::MAX)
    }
}

/// While this lives, the first signal is noted.
pub struct Watch(());

impl Watch {
    /// Begins to watch.
    pub fn begin() -> Watch {
        STATE.store(WATCHED, Ordering::SeqCst);
        Watch(())
    }

    /// The signal that came since.
    pub fn signal(&self) -> Option<Signal> {
        noted(STATE.load(Ordering::SeqCst))
    }

    /// Waits for a signal, at most so long.
    #[cfg(feature = "serve")]
    pub fn wait(&self, most: Duration) -> Option<Signal> {
        let guard = WAITING.lock().unwrap_or_else(PoisonError::into_inner);
        let nothing = |_: &mut ()| self.signal().is_none();
        drop(NOTED.wait_timeout_while(guard, most, nothing));
        self.signal()
    }

    /// Ends to watch, and returns the signal that came until then: each signal is noted here or ends the process.
    pub fn end(self) -> Option<Signal> {
        noted(STATE.swap(NOT_WATCHED, Ordering::SeqCst))
    }
}

fn noted(state: i32) -> Option<Signal> {
    (state > NOT_WATCHED).then_some(Signal(state))
}

impl Drop for Watch {
    fn drop(&mut self) {
        STATE.store(NOT_WATCHED, Ordering::SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signal_is_noted_until_the_watch_has_ended() {
        assert!(!note(15), "nobody watches");
        let watch = Watch::begin();
        assert_eq!(watch.signal(), None);
        assert!(note(15) && !note(2), "the first is noted, the second ends the process");
        assert_eq!((watch.signal(), watch.end()), (Some(Signal(15)), Some(Signal(15))));
        assert!(!note(1), "what comes after the end is not lost: it ends the process");
        assert_eq!(Watch::begin().end(), None, "a signal is told once");
        #[cfg(feature = "serve")]
        waits_end_at_a_signal();
    }

    /// A part of the test above, as a process has one state.
    #[cfg(feature = "serve")]
    fn waits_end_at_a_signal() {
        let watch = Watch::begin();
        assert_eq!(watch.wait(Duration::from_millis(1)), None);
        std::thread::scope(|scope| {
            let waits = scope.spawn(|| watch.wait(Duration::from_secs(600)));
            assert!(note(15));
            assert_eq!(waits.join().unwrap(), Some(Signal(15)));
        });
        assert_eq!(watch.end(), Some(Signal(15)));
    }
}
