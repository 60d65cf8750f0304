//! Ctrl-C: noted while text is generated, so that it ends cleanly; at any other time, and the second time, it ends the
//! process.

use anyhow::{Context, Result};
use std::sync::atomic::{AtomicU8, Ordering};

/// The exit code of an interrupted command: 128 + SIGINT.
pub const EXIT_CODE: u8 = 130;

const NOT_WATCHED: u8 = 0;
const WATCHED: u8 = 1;
const NOTED: u8 = 2;

/// A signal handler belongs to the process, and so does what it notes.
static STATE: AtomicU8 = AtomicU8::new(NOT_WATCHED);

/// Takes Ctrl-C over from the system. To be called once.
///
/// # Errors
/// The system does not allow it.
pub fn install() -> Result<()> {
    let handler = || {
        if STATE.compare_exchange(WATCHED, NOTED, Ordering::SeqCst, Ordering::SeqCst).is_err() {
            std::process::exit(EXIT_CODE.into());
        }
    };
    ctrlc::set_handler(handler).context("cannot install the handler of Ctrl-C")
}

/// While this lives, the first Ctrl-C is noted.
pub struct Watch(());

impl Watch {
    /// Begins to watch.
    pub fn begin() -> Watch {
        STATE.store(WATCHED, Ordering::SeqCst);
        Watch(())
    }

    /// Whether there was a Ctrl-C since.
    pub fn interrupted(&self) -> bool {
        STATE.load(Ordering::SeqCst) == NOTED
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        STATE.store(NOT_WATCHED, Ordering::SeqCst);
    }
}
