//! How commands end, and the exit codes for it.

use crate::interrupt::Signal;
use crate::message::Usage;
use anyhow::Context;
use std::io;
use std::path::Path;
use std::process::ExitCode;

/// How a command ended that did not fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It did what was asked.
    Done,
    /// It was asked whether a file would load, and it would not; or some of its input had no answer, which was said.
    Refused,
    /// A signal ended it, such as Ctrl-C.
    Interrupted(Signal),
}

impl Outcome {
    /// 0, 1, or 130 after Ctrl-C.
    pub fn exit_code(self) -> ExitCode {
        match self {
            Outcome::Done => ExitCode::SUCCESS,
            Outcome::Refused => ExitCode::FAILURE,
            Outcome::Interrupted(signal) => ExitCode::from(signal.code()),
        }
    }
}

/// 2 where an argument is wrong, 1 where a file or an input is.
pub fn exit_code_of(error: &anyhow::Error) -> ExitCode {
    if error.is::<Usage>() { ExitCode::from(2) } else { ExitCode::FAILURE }
}

/// Refuses a path that no file can be written to, before there is any work for that file.
///
/// # Errors
/// As far as it shows without opening or making the file, it cannot be written.
pub fn check_output(path: &Path) -> anyhow::Result<()> {
    trine::loader::check_output(path).with_context(|| format!("{}: cannot write it", path.display()))
}

/// Whether the reader of the output has gone away: it has seen what it wanted, so this is no failure.
pub fn is_broken_pipe(error: &anyhow::Error) -> bool {
    let broken = |cause: &io::Error| cause.kind() == io::ErrorKind::BrokenPipe;
    error.chain().any(|cause| cause.downcast_ref::<io::Error>().is_some_and(broken))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_closed_pipe_is_recognised_among_causes() {
        let failed = |kind: io::ErrorKind| Err::<(), _>(io::Error::from(kind)).context("cannot write").unwrap_err();
        assert!(is_broken_pipe(&failed(io::ErrorKind::BrokenPipe)));
        assert!(!is_broken_pipe(&failed(io::ErrorKind::StorageFull)));
    }
}
