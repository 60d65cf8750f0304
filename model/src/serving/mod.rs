//! Many requests on one engine: which of them run, what a step brings, and what stays in memory between them.
//!
//! * `scheduler.rs`: what a program calls, and the order of a step;
//! * `admission.rs`, `step.rs`, `ending.rs`: which requests are taken and begin, what a step does with them, what
//!   stays;
//! * `request.rs`, `event.rs`, `options.rs`, `status.rs`: what goes in, what comes out, limits, numbers;
//! * `running.rs`: one request from its submission to its end;
//! * `prefixes.rs`, `scores.rs`: beginnings that were computed, as a tree of pages, and their log-probabilities;
//! * `pace.rs`, `plan.rs`, `shares.rs`, `wait.rs`: step time, parts of prompts, equal shares, expected waits;
//! * `clock.rs`: the time, which tests decide.
//!
//! What belongs here: decisions about many requests. What does not: the forward pass (`network`), decisions of one
//! generation (`generation`), memory (`engine`), and everything about networks: whoever has connections owns a
//! [`Scheduler`] on a thread of its own.

mod admission;
mod clock;
mod ending;
mod event;
mod options;
mod pace;
mod plan;
mod prefixes;
mod request;
mod running;
mod scheduler;
mod scores;
mod shares;
mod status;
mod step;
mod wait;

pub use clock::{Clock, ManualClock, SystemClock};
pub use event::{End, Event, EventKind, RequestError, Usage};
pub use options::{Policy, SchedulerOptions};
pub use request::{GenerationRequest, Refused, RequestId};
pub use scheduler::Scheduler;
pub use status::{Counters, PageCounts, Status, StepClass, StepReport};
