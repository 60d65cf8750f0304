//! The thread that owns the scheduler, and what others see of it: jobs go in, events come out.
//!
//! What belongs here: channels, cancellation, counting. What does not: which sequence runs when, which the scheduler of
//! `trine-model` decides, and HTTP.

mod counting;
mod job;
mod telling;
mod thread;

pub use job::{Event, Job, Running, Terms};
pub use thread::Worker;
