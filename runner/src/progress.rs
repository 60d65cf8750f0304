//! Progress bars, unless `--quiet` is given. They are drawn on standard error, where it is a terminal, and leave
//! nothing behind.

use crate::message;
use indicatif::{ProgressBar, ProgressStyle};

/// A bar that is gone when this is dropped.
pub struct Progress(ProgressBar);

impl Progress {
    /// A bar that shows `what` is being done, and nothing before it is first [`set`](Progress::set).
    pub fn new(what: &'static str) -> Progress {
        let style = ProgressStyle::with_template("{msg} {wide_bar} {pos}/{len} {eta}").expect("a constant template");
        let bar = if message::is_quiet() { ProgressBar::hidden() } else { ProgressBar::new(0) };
        Progress(bar.with_style(style).with_message(what))
    }

    /// Shows that `done` of `total` steps are done.
    pub fn set(&self, done: usize, total: usize) {
        self.0.set_length(total as u64);
        self.0.set_position(done as u64);
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
