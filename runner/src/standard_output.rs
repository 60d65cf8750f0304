//! Whether standard output takes what is printed, which is looked at before anything is. Files that are written are
//! checked in `outcome.rs`, terminals are in `terminal.rs`.

/// Refuses a standard output that is closed or open for reading alone: what is printed would be lost without an error.
///
/// # Errors
/// It is one of them, or the system does not say.
#[cfg(unix)]
pub fn check() -> anyhow::Result<()> {
    use anyhow::Context;
    use rustix::fs::{OFlags, fcntl_getfl};
    use std::io;
    if at_start::is_closed() {
        anyhow::bail!("cannot write to standard output: it is closed (`> /dev/null` discards what is printed)");
    }
    let mode = fcntl_getfl(io::stdout()).map_err(io::Error::from).context("cannot write to standard output")?;
    if mode & OFlags::ACCMODE == OFlags::RDONLY {
        anyhow::bail!("cannot write to standard output: it is open for reading alone");
    }
    Ok(())
}

#[cfg(not(unix))]
pub fn check() -> anyhow::Result<()> {
    Ok(())
}

/// What standard output was when the program was started. Before `main` the runtime of Rust opens `/dev/null` in the
/// place of a descriptor that is closed, for reading and writing, as a caller may have done on purpose: nothing tells
/// the two apart afterwards.
#[cfg(unix)]
mod at_start {
    use rustix::io::{Errno, fcntl_getfd};
    use rustix::stdio::stdout;
    use std::sync::atomic::{AtomicBool, Ordering};

    static CLOSED: AtomicBool = AtomicBool::new(false);

    /// Runs before the runtime, so it must use nothing of the standard library that asks for it.
    #[ctor::ctor]
    fn look() {
        CLOSED.store(fcntl_getfd(stdout()) == Err(Errno::BADF), Ordering::Relaxed);
    }

    pub(super) fn is_closed() -> bool {
        CLOSED.load(Ordering::Relaxed)
    }
}
